" :compiler ksrcfind, then :make explains the log in the current buffer and fills the quickfix list.
if exists("current_compiler")
  finish
endif
let current_compiler = "ksrcfind"
CompilerSet makeprg=ksrcfind\ batch\ --quiet\ --no-history\ --format\ quickfix\ %:S
CompilerSet errorformat=%f:%l:\ %m
