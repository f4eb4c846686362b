# Completion of ksrcfind in bash. The program itself knows what can follow: it prints one candidate per line, and a tab
# and its meaning behind it. Without a candidate, bash completes file names.

_ksrcfind() {
    local line=${COMP_LINE:0:COMP_POINT} candidate
    COMPREPLY=()
    while IFS=$'\t' read -r candidate _; do
        COMPREPLY+=("$candidate")
    done < <(_KSRCFIND_LINE=$line "$1" 2>/dev/null)
    # bash replaces only what follows the last : or = of the word.
    local word=${line##*[[:space:]]} last
    last=${word##*[:=]}
    if [[ $last != "$word" && $COMP_WORDBREAKS == *"${word: -${#last}-1:1}"* ]]; then
        COMPREPLY=("${COMPREPLY[@]#"${word%"$last"}"}")
    fi
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[/:] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}

complete -o bashdefault -o default -F _ksrcfind ksrcfind
