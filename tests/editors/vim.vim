" Opens a log, runs :Ksrcfind on a line, writes the quickfix list and where the first entry leads to.
set nomore
let g:ksrcfind_command = json_decode($KSRCFIND_SERVER)[:-2] + ["-C", $KSRCFIND_TREE]
execute "cd" $KSRCFIND_TREE
execute "edit" $KSRCFIND_LOG
let done = {"filetype": &filetype}
execute $KSRCFIND_LINE . "Ksrcfind"
let done.entries = len(getqflist())
cfirst
let done.file = expand("%:p")
let done.line = line(".")
let done.text = getline(".")
call writefile([json_encode(done)], $KSRCFIND_RESULT)
qall!
