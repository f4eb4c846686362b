" :Ksrcfind explains lines of a kernel log and puts the calls that printed them into the quickfix list.

if exists("g:loaded_ksrcfind") || &compatible
  finish
endif
let g:loaded_ksrcfind = 1

" The program and options that it always gets: ["ksrcfind", "-C", "/home/me/linux"].
if !exists("g:ksrcfind_command")
  let g:ksrcfind_command = ["ksrcfind"]
endif

command! -range -nargs=* Ksrcfind call s:Lines(<line1>, <line2>, <q-args>)
command! -bar KsrcfindLog call s:Log()
command! -range KsrcfindAnswer call s:Answer(getline(<line1>, <line2>))

" Paths start at the top of the tree, which the first line names where it is another directory.
let s:format = "%Dksrcfind: Entering directory '%f',%f:%l:%c: %m"

function! s:Run(arguments, input) abort
  let words = map(copy(g:ksrcfind_command) + a:arguments, 'shellescape(v:val)')
  return systemlist(join(words, " "), a:input)
endfunction

function! s:Fill(output, title) abort
  let places = filter(copy(a:output), 'v:val =~# "^[^:]\\+:\\d\\+:\\d\\+: \\|^ksrcfind: Entering directory "')
  if empty(filter(copy(places), 'v:val !~# "^ksrcfind: "'))
    echohl WarningMsg | echo join(a:output, "\n") | echohl None
    return
  endif
  call setqflist([], " ", {"title": a:title, "lines": places, "efm": s:format})
  cwindow
endfunction

" The text that is given, else the lines of the range.
function! s:Lines(first, last, text) abort
  let lines = empty(a:text) ? getline(a:first, a:last) : [a:text]
  call s:Fill(s:Run(["find", "--format", "quickfix", "-"], lines), ":Ksrcfind")
endfunction

" The whole buffer.
function! s:Log() abort
  call s:Fill(s:Run(["batch", "--quiet", "--no-history", "--format", "quickfix", "-"], getline(1, "$")), ":KsrcfindLog")
endfunction

" What is known about lines, with commit and release, in a window of its own.
function! s:Answer(lines) abort
  let output = s:Run(["find", "-"], a:lines)
  new
  setlocal buftype=nofile bufhidden=wipe noswapfile
  call setline(1, output)
  setlocal nomodifiable
endfunction
