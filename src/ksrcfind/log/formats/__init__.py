"""The formats of logs: a new prefix, header or wrapper is added to the module of the program that writes it.

| module | formats |
| --- | --- |
| `ring_buffer` | the kernel's own: printk's prefixes, dmesg, /dev/kmsg, netconsole, pstore |
| `daemon_headers` | headers of syslog daemons and of journalctl |
| `structured` | records with named fields: JSON, the journal's fields |
| `logcat` | Android's logcat |
| `wrappers` | what surrounds any of them: quotes, containers, CI systems, terminal programs |

Each module has a table `GRAMMARS`; `grammar` explains its entries, and `log/prefixes.py` tries them on a line.
"""
