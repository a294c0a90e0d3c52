# bash completion for auditkit: `eval "$(auditkit completion bash)"`
# What stands in the line is given to auditkit as arguments, and what comes back is only ever compared and listed.

_auditkit() {
  local line=${COMP_LINE:0:COMP_POINT} words=() word part breaks i
  # bash takes words apart at the signs of COMP_WORDBREAKS: what has no blank between is put together again
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ $i == 0 || $line == [[:blank:]]* ]]; then
      line=${line#"${line%%[![:blank:]]*}"}
      words+=("")
    fi
    [[ $i == "$COMP_CWORD" ]] && word=$line
    words[-1]+=$word
    line=${line#"$word"}
  done
  # what readline replaces begins behind the last of those signs
  part=${words[-1]} breaks=
  for word in : =; do
    [[ $COMP_WORDBREAKS == *"$word"* ]] && breaks+=$word
  done
  [[ $breaks ]] && part=${part%"${part##*["$breaks"]}"} || part=
  COMPREPLY=()
  while IFS=$'\t' read -r word i; do
    case $word in
      :file) compopt -o default ;;
      :dir) compopt -o dirnames ;;
      *) COMPREPLY+=("${word#"$part"}") ;;
    esac
  done < <(_AUDITKIT_COMPLETE=bash command auditkit "${words[@]:1}" 2>/dev/null </dev/null)
  if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[/:=] ]]; then
    compopt -o nospace
  fi
}
complete -F _auditkit auditkit
