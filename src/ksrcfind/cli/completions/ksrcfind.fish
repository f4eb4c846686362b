# Completion of ksrcfind in fish. The program itself knows what can follow: it prints one candidate per line, and a tab
# and its meaning behind it. Without a candidate, fish completes file names.

function __ksrcfind_candidates
    set -lx _KSRCFIND_LINE (commandline --current-process --cut-at-cursor)
    command ksrcfind 2>/dev/null
    # What fish completes behind any other command: files, also below ~.
    or complete --do-complete "'' "(commandline --current-token --cut-at-cursor)
end

complete --command ksrcfind --no-files --arguments '(__ksrcfind_candidates)'
