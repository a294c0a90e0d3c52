# fish completion for auditkit: `auditkit completion fish > ~/.config/fish/completions/auditkit.fish`
# What stands in the line is given to auditkit as arguments, and what comes back is only ever compared and listed.

function __auditkit_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in (_AUDITKIT_COMPLETE=fish command auditkit $words[2..-1] 2>/dev/null </dev/null)
        switch $line
            case ':file'
                __fish_complete_path (commandline -ct)
            case ':dir'
                __fish_complete_directories (commandline -ct) ''
            case '*'
                printf '%s\n' $line
        end
    end
end

complete --command auditkit --no-files --arguments '(__auditkit_complete)'
