#compdef auditkit
# zsh completion for auditkit: `eval "$(auditkit completion zsh)"`, or as a file _auditkit in a directory of $fpath
# What stands in the line is given to auditkit as arguments, and what comes back is only ever compared and listed.

_auditkit() {
  local line word shown status_=1
  local -a lines words_ open shown_ open_
  lines=("${(@f)$(_AUDITKIT_COMPLETE=zsh command auditkit "${(@Q)words[2,CURRENT]}" 2>/dev/null </dev/null)}")
  for line in "${lines[@]}"; do
    word=${line%%$'\t'*}
    shown="${word}  ${line#*$'\t'}"
    case $line in
      ('') ;;
      (:file) _files && status_=0 ;;
      (:dir) _files -/ && status_=0 ;;
      (*[/:=]$'\t'*) open+=("$word") open_+=("$shown") ;;
      (*) words_+=("$word") shown_+=("$shown") ;;
    esac
  done
  (( $#words_ )) && compadd -Q -l -d shown_ -a words_ && status_=0
  (( $#open )) && compadd -Q -l -S '' -d open_ -a open && status_=0
  return status_
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _auditkit "$@"
else
  compdef _auditkit auditkit
fi
