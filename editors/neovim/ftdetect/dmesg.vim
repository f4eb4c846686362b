" Kernel logs by their name, else by how their first lines look: what dmesg, journalctl -k and syslog write.
augroup ksrcfind_filetype
  autocmd!
  autocmd BufNewFile,BufRead *.dmesg,dmesg,dmesg.*,dmesg-*.log,dmesg.log,kern.log,kern.log.[0-9] setlocal filetype=dmesg
  autocmd BufRead * if &filetype =~# '^\%(messages\|log\|text\|\)$' && s:IsKernelLog() | setlocal filetype=dmesg | endif
augroup END

function! s:IsKernelLog() abort
  for line in getline(1, 20)
    if line =~# '^\%(<\d\{1,3}>\|kern *:\a\+ *: \)\?\[ *\d\+\.\d\{6}\]' || line =~# '^.\{10,60} kernel: '
          \ || line =~# '^\[\u\a\a \u\a\a [ 0-9]\d \d\d:\d\d:\d\d \d\{4}\] '
      return 1
    endif
  endfor
  return 0
endfunction
