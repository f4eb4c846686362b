" :compiler ksrcfind, then :make explains the log in the current buffer and fills the quickfix list.
if exists("current_compiler")
  finish
endif
let current_compiler = "ksrcfind"

let s:command = join(map(copy(get(g:, "ksrcfind_command", ["ksrcfind"])), 'shellescape(v:val)'))
execute "CompilerSet makeprg=" . escape(s:command . " batch --quiet --no-history --format quickfix %:p:S", ' \|"')
CompilerSet errorformat=%Dksrcfind:\ Entering\ directory\ '%f',%f:%l:%c:\ %m
