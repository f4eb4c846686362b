" Opens a log, runs a command on a line or the log, writes the quickfix list and where the seed line's entry leads to.
set nomore
execute "edit" $KSRCFIND_LOG
let done = {"filetype": &filetype}
if g:command ==# "make"
  compiler ksrcfind
  silent make!
else
  execute (g:command ==# "Ksrcfind" ? $KSRCFIND_LINE : "") . g:command
endif
let places = filter(getqflist(), "v:val.valid")
let done.entries = len(places)
let done.recognised = len(filter(systemlist("ksrcfind -C ~/linux batch --quiet --no-history --format quickfix " . $KSRCFIND_LOG), 'v:val =~# "^[^:]\\+:\\d\\+:\\d\\+: "'))
let entry = index(map(copy(getqflist()), "v:val.text =~# 'OOM victim'"), 1) + 1
execute "cc" entry
let done.file = expand("%:p")
let done.line = line(".")
let done.text = getline(".")
call writefile([json_encode(done)], $KSRCFIND_RESULT)
qall!
