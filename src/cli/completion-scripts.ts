/**
 * What a shell has to know to complete a command line of hearsay: whom to ask. The answer has a candidate a line, some
 * with a tab and what it is about; `:file` and `:folder` leave the choice to the shell.
 */
export const SHELLS = ['bash', 'zsh', 'fish'] as const

const SCRIPTS: Readonly<Record<(typeof SHELLS)[number], string>> = {
  bash: `
_hearsay() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    case "$line" in
      :file) compopt -o default ;;
      :folder) compopt -o dirnames ;;
      *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done < <(hearsay completion bash --words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _hearsay hearsay`,
  zsh: `
#compdef hearsay
_hearsay() {
  local line
  local -a candidates
  while IFS= read -r line; do
    case "$line" in
      :file) _files; return ;;
      :folder) _files -/; return ;;
      *$'\\t'*) candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
      *) candidates+=("\${line//:/\\\\:}") ;;
    esac
  done < <(hearsay completion zsh --words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( \${#candidates} )) && _describe hearsay candidates
}
if [[ "\${funcstack[1]}" = _hearsay ]]; then _hearsay "$@"; else compdef _hearsay hearsay; fi`,
  fish: `
function __hearsay_complete
  set -l current (commandline -ct)
  set -l words (commandline -opc) "$current"
  set -l candidates (hearsay completion fish --words -- $words[2..-1] 2>/dev/null)
  switch "$candidates[1]"
    case :file :folder
      __fish_complete_path "$current"
    case '*'
      printf '%s\\n' $candidates
  end
end
complete -c hearsay -f -a '(__hearsay_complete)'`
}

export function completionScript(shell: (typeof SHELLS)[number]): string {
  return SCRIPTS[shell].slice(1)
}
