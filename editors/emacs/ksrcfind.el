;;; ksrcfind.el --- From a kernel log line to the code that printed it  -*- lexical-binding: t; -*-

;; Author: The ksrcfind authors
;; Version: 0.1.0
;; Package-Requires: ((emacs "27.1"))
;; Keywords: tools, c
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; `M-x ksrcfind' explains the lines of the region, or the line at point, in a compilation buffer whose places can be
;; jumped to.  `M-x ksrcfind-log' does the same for the whole buffer.  `ksrcfind-log-mode' is for kernel logs;
;; `M-x eglot' in it (or in a C file of a kernel tree, with a prefix argument) starts the language server.

;;; Code:

(require 'autorevert)
(require 'compile)

(defgroup ksrcfind nil
  "From a kernel log line to the code that printed it."
  :group 'tools)

(defcustom ksrcfind-command '("ksrcfind")
  "The program and the options that it always gets, as a list of strings."
  :type '(repeat string))

(defcustom ksrcfind-settings nil
  "Settings of the language server, as in (:repo \"~/linux\" :limit 3)."
  :type 'plist)

(defvar ksrcfind-log-font-lock
  '(("^\\(?:<[0-9]+>\\)?\\[ *[0-9]+\\.[0-9]+\\]" . font-lock-comment-face)
    ("\\_<\\(?:BUG\\|WARNING\\|Oops\\|panic\\)\\_>" . font-lock-warning-face))
  "What stands out in a log.")

;;;###autoload
(define-derived-mode ksrcfind-log-mode text-mode "Kernel-Log"
  "Major mode for logs of the Linux kernel."
  (setq font-lock-defaults '(ksrcfind-log-font-lock t))
  (setq buffer-read-only t)
  (setq truncate-lines t)
  (setq-local auto-revert-verbose nil)
  (when buffer-file-name ; A log that grows is followed.
    (auto-revert-mode 1)))

;;;###autoload
(add-to-list 'auto-mode-alist '("\\(?:\\.dmesg\\|/dmesg\\|/dmesg[-.][^/]*\\|/kern\\.log\\(?:\\.[0-9]+\\)?\\)\\'"
                                . ksrcfind-log-mode))

;;;###autoload
(add-to-list 'magic-fallback-mode-alist
             (cons (concat "\\(?:<[0-9]+>\\|kern *:[a-z]+ *: \\)?\\[ *[0-9]+\\.[0-9]\\{6\\}\\]"
                           "\\|.\\{10,60\\} kernel: "
                           "\\|\\[[A-Z][a-z][a-z] [A-Z][a-z][a-z] [ 0-9][0-9] [0-9:]\\{8\\} [0-9]\\{4\\}\\] ")
                   'ksrcfind-log-mode))

(define-compilation-mode ksrcfind-mode "ksrcfind"
  "Answers of ksrcfind, with places to jump to."
  (setq-local compilation-error-regexp-alist '(("^\\([^:\n ]+\\):\\([0-9]+\\):\\([0-9]+\\): " 1 2 3))))

(defun ksrcfind--run (arguments text)
  "Run ksrcfind with ARGUMENTS on TEXT and show what it prints."
  (let ((file (make-temp-file "ksrcfind-" nil ".log" text)))
    (compilation-start
     (concat (mapconcat #'shell-quote-argument (append ksrcfind-command arguments '("-")) " ")
             " < " (shell-quote-argument file) "; status=$?; rm -f " (shell-quote-argument file) "; exit $status")
     #'ksrcfind-mode)))

;;;###autoload
(defun ksrcfind (beginning end)
  "Show the calls that printed the lines from BEGINNING to END: the region's, else the line at point."
  (interactive (if (use-region-p)
                   (list (region-beginning) (region-end))
                 (list (line-beginning-position) (line-end-position))))
  (ksrcfind--run '("find" "--format" "quickfix") (buffer-substring-no-properties beginning end)))

;;;###autoload
(defun ksrcfind-log ()
  "Show the calls that printed the messages of this buffer, the most severe first."
  (interactive)
  (ksrcfind--run '("batch" "--quiet" "--no-history" "--format" "quickfix")
                 (buffer-substring-no-properties (point-min) (point-max))))

(defun ksrcfind-server (&rest _)
  "What eglot starts."
  (append ksrcfind-command '("lsp") (list :initializationOptions (or ksrcfind-settings (make-hash-table)))))

(defvar eglot-server-programs)
(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs '(ksrcfind-log-mode . ksrcfind-server)))

(provide 'ksrcfind)
;;; ksrcfind.el ends here
