"""User-space programs whose log lines can look like kernel messages: one table of their names.

A name is a regular expression that matches the whole name. Further programs go into the group that says how they log.
"""

_EARLY = (
    # systemd's child processes have the name of their program in parentheses until they have started it.
    *(r"\([^()]*+\)", r"ostree-[\w-]++", r"ignition[\w-]*+", r"kdump[\w-]*+"),
)
_EARLY_AND_LATE = (*("init", r"systemd[\w-]*+", "udevd", r"dracut[\w-]*+", r"plymouth\w*+", "mdadm", "multipathd"),)
_LATE = (
    *("kernel", "sudo", "su", "s?sh", "bash", "login", "logger", "root", "sshd", "[Cc][Rr][Oo][Nn][Dd]?"),
    *("(?:r?sys|metal)log(?:d|-ng)?", "lvm", "smartd", "dhc(?:lient|pcd)", "NetworkManager", "ModemManager"),
    *("wpa_supplicant", "hostapd", "dnsmasq", "ntpd", "chronyd", "avahi-daemon", "bluetoothd", "dbus(?:-daemon)?"),
    *("polkitd", r"gdm[\w-]*+", "Xorg", "acpid", "irqbalance", "thermald", "auditd", "snapd", "dockerd", "containerd"),
    *("kubelet", r"postfix/\w++", "nginx", "httpd", "apache2", "mysqld", "python3?"),
)

WRITES_TO_KMSG = f"(?:{'|'.join((*_EARLY, *_EARLY_AND_LATE))})"
"""Programs that write `name[pid]: ` to /dev/kmsg while no syslog daemon runs yet, with process ids below 100 too."""

HAS_TAG_ALONE = f"(?:{'|'.join((*_EARLY_AND_LATE, *_LATE))})"
"""Programs that log as `name: `, without host and process id; `kernel` is the tag of kernel messages."""
