;;; Opens a log, asks eglot for hover and definition at a line, writes what came.  -*- lexical-binding: t; -*-
(require 'ksrcfind)
(require 'eglot)
(require 'json)
(let ((done nil))
  (condition-case problem
      (progn
        (setq ksrcfind-command (append (butlast (append (json-read-from-string (getenv "KSRCFIND_SERVER")) nil))
                                       (list "-C" (getenv "KSRCFIND_TREE")))
              ksrcfind-settings '(:historyWait 30)
              eglot-sync-connect 60
              jsonrpc-default-request-timeout 60
              xref-prompt-for-identifier nil)
        (find-file (getenv "KSRCFIND_LOG"))
        (push (cons 'mode (symbol-name major-mode)) done)
        (apply #'eglot (eglot--guess-contact))
        (goto-char (point-min))
        (forward-line (1- (string-to-number (getenv "KSRCFIND_LINE"))))
        (let* ((server (eglot-current-server))
               (hover (jsonrpc-request server :textDocument/hover (eglot--TextDocumentPositionParams) :timeout 60)))
          (push (cons 'hover (plist-get (plist-get hover :contents) :value)) done))
        (call-interactively #'xref-find-definitions)
        (push (cons 'file (buffer-file-name)) done)
        (push (cons 'line (line-number-at-pos)) done)
        (push (cons 'text (buffer-substring-no-properties (line-beginning-position) (line-end-position))) done))
    (error (push (cons 'error (error-message-string problem)) done)))
  (with-temp-file (getenv "KSRCFIND_RESULT")
    (insert (json-encode done)))
  (kill-emacs 0))
