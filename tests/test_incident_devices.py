"""Lines about the same device become one incident, whatever their driver, level and wording; the worst one comes first.

Every log is invented. The first word of a line is its level; `-` is a line whose level nobody knows.
"""

from msgspec.structs import replace

from ksrcfind.incidents import collect
from ksrcfind.incidents.collect import Collector
from ksrcfind.incidents.names import RELATIONS_KEPT, Relations, names_of
from test_incidents import seen


def incidents(text):
    """The incidents of lines, each of which begins with its level."""
    words = [line.split(" ", 1) for line in text.splitlines()]
    collector = Collector()
    for line in seen("".join(f"{rest}\n" for _, rest in words)):
        level = words[line.line - 1][0]
        collector.add(replace(line, level=None if level == "-" else level))
    return list(collector.incidents())


def lines_of(text):
    return [found.lines for found in incidents(text)]


FLAPPING = """\
info [  700.000000] acme 0000:05:00.0 enp5s0: NIC Link is Down
err [  700.000100] acme 0000:05:00.0 enp5s0: Register Dump
err [  700.000200] acme 0000:05:00.0 enp5s0: Reset adapter
info [  705.000000] acme 0000:05:00.0 enp5s0: NIC Link is Up 2500 Mbps
info [ 1200.000000] acme 0000:05:00.0 enp5s0: NIC Link is Down
info [ 1201.000000] IPv6: ADDRCONF(NETDEV_UP): enp5s0: link is not ready
info [ 1203.000000] acme 0000:05:00.0: rings are set up
info [ 1204.000000] acme 0000:05:00.0 enp5s0: NIC Link is Up 2500 Mbps
info [ 2400.000000] acme 0000:05:00.0 enp5s0: NIC Link is Down
"""


def test_what_a_card_says_belongs_to_its_flapping_link_for_ten_minutes():
    first, second = incidents(FLAPPING)
    assert first.lines == tuple(range(1, 9))
    assert second.lines == (9,)


def test_a_link_that_was_up_and_went_down_is_an_incident():
    up, down = "info [ 5.000000] eth7: link up\n", "info [ 99.000000] eth7: link down\n"
    assert [found.title for found in incidents(up + down)] == ["Link of eth7 went down"]
    assert incidents(down + up.replace("5.", "105.")) == []


def test_an_interface_that_cannot_send_did_not_lose_its_link():
    [found] = incidents(
        "crit [  50.000000] acme 0000:05:00.0 eth7: NETDEV WATCHDOG: CPU: 3: transmit queue 0 timed out\n"
    )
    assert found.title == "eth7 could not send its packets"


def test_an_access_point_that_does_not_answer_is_an_incident():
    attempt = """\
info [{0}.100000] wlan7: authenticate with 00:00:5e:00:53:01
info [{0}.200000] wlan7: send auth to 00:00:5e:00:53:01 (try 1/3)
info [{0}.300000] wlan7: authentication with 00:00:5e:00:53:01 timed out
"""
    [found] = incidents("".join(attempt.format(second) for second in (100, 112, 124)))
    assert found.title == "wlan7 lost its access point or could not connect to it 3 times"
    assert found.lines == tuple(range(1, 10))


STICK = """\
info [   10.000000] usb-storage 3-7:1.0: USB Mass Storage device detected
info [   10.000100] scsi host9: usb-storage 3-7:1.0
info [   11.000000] sd 9:0:0:0: [sdq] 1000 512-byte logical blocks
info [  100.000000] usb 3-7: USB disconnect, device number 4
info [  100.000100] sd 9:0:0:0: [sdq] tag#0 FAILED Result: hostbyte=DID_ERROR driverbyte=DRIVER_OK
err [  100.000200] I/O error, dev sdq, sector 2048
err [  100.100000] FAT-fs (sdq1): Directory bread(block 32768) failed
"""


def test_a_stick_that_is_lost_has_one_incident_with_its_disk_and_file_system():
    [found] = incidents(STICK)
    assert found.title == "I/O errors on sdq, with errors of fat"
    assert found.lines == (4, 5, 6, 7)


def test_a_plug_that_somebody_pulled_is_no_incident():
    assert incidents("info [  100.000000] usb 3-7: USB disconnect, device number 4\n") == []
    again = STICK.splitlines()[3] + "\nerr [  300.000000] usb 3-7: odd descriptor\n"
    assert lines_of(again) == [(2,)]


DEAD = """\
warn [  800.000000] xhci_hcd 0000:07:00.0: Host halt failed, -110
err [  805.000000] xhci_hcd 0000:07:00.0: HC died; cleaning up
info [  805.000100] sd 4:0:0:0: [sdr] tag#0 uas_eh_abort_handler 0 uas-tag 1 inflight: CMD
info [  805.000200] usb 5-1: USB disconnect, device number 2
err [  805.100000] I/O error, dev sdr, sector 2048
"""


def test_a_controller_that_died_has_the_disks_behind_it():
    assert lines_of(DEAD) == [(1, 2, 3, 4, 5)]


def test_a_disk_of_another_controller_is_not_behind_the_one_that_died():
    other = "info [  1.000000] scsi host4: usb-storage 2-1:1.0\n"
    other += "info [  1.000000] xhci_hcd 0000:09:00.0: new USB bus registered, assigned bus number 2\n"
    assert sorted(lines_of(other + DEAD)) == [(3, 4, 6), (5, 7)]


PORT = """\
- [   50.000000] pcieport 0000:00:1d.0: AER: Corrected error message received from 0000:0a:00.0
- [   50.000010] acme 0000:0a:00.0: PCIe Bus Error: severity=Correctable, type=Physical Layer
- [   50.000020] acme 0000:0a:00.0:   device [1234:5678] error status/mask=00000001/00002000
- [   50.000030] acme 0000:0a:00.0:    [ 0] RxErr
- [   50.000040] pcieport 0000:00:1c.0: PCIe Bus Error: severity=Correctable, type=Physical Layer
"""


def test_a_pcie_error_is_one_incident_with_the_device_behind_the_port():
    [found] = incidents(PORT)
    assert (found.lines, found.severity) == ((1, 2, 3, 4, 5), "warn")


def test_a_voltage_that_falls_again_and_again_is_one_incident_with_its_recoveries():
    text = "".join(
        f"crit [ {second}.000000] hwmon hwmon7: Undervoltage detected!\n"
        f"info [ {second + 6}.000000] hwmon hwmon7: Voltage normalised\n"
        for second in (1000, 2200, 2300)
    )
    [found] = incidents(text)
    assert (found.count, found.lines) == (3, (1, 2, 3, 4, 5, 6))


ARRAY = """\
warn [  300.000000] blk_print_req_error: 11 callbacks suppressed
err [  300.000010] I/O error, dev sdq, sector 2048
err [  300.000020] md: super_written gets error=-5
crit [  300.000030] md/raid1:md7: Disk failure on sdq1, disabling device.
warn [  302.000000] md/raid1:md7: read error not correctable (sector 8 on sdq1).
info [  306.000000] ata9.00: configured for UDMA/133
err [  400.000000] I/O error, dev sdz, sector 2048
"""


def test_a_disk_that_failed_has_its_array_and_the_note_about_suppressed_messages():
    first, second = incidents(ARRAY)
    assert first.lines == (1, 2, 3, 4, 5)
    assert second.lines == (7,)


def test_the_messages_of_one_driver_that_no_source_explains_are_one_incident():
    text = """\
- [  500.000000] acmegpu-modeset: ERROR: GPU:0: display engine is lost
- [  520.000000] acmegpu: rpc: sending failed with status 0x11
"""
    text += "".join(f"- [ {540 + n}.000000] acmegpu: assertion failed: status @ {n}\n" for n in range(20))
    assert lines_of(text) == [tuple(range(1, 23))]


def test_what_a_device_says_directly_before_and_after_its_failure_belongs_to_it():
    text = """\
- [   34.000000] acmegpu 0000:0b:00.0: state is written
- [   34.000100] acmegpu 0000:0b:00.0: ring comp_7 timeout, signaled seq=7
- [   34.000200] acmegpu 0000:0b:00.0: queue starts again
- [   34.000300] other 0000:0c:00.0: ready
- [   60.000000] acmegpu 0000:0b:00.0: ready
"""
    [found] = incidents(text)
    assert (found.lines, found.count, found.severity) == ((1, 2, 3), 1, "err")
    assert (found.first.line, found.last.line) == (1, 3)


def test_the_rows_of_a_message_without_the_name_of_the_device_belong_to_it():
    text = """\
err [   34.000000] acme 0000:05:00.0 eth7: Detected Hardware Unit Hang:
err [   34.000000]   head  <13>
err [   34.000000]   tail  <88>
err [   36.000000] acme 0000:05:00.0 eth7: Detected Hardware Unit Hang:
err [   36.000000]   head  <13>
"""
    assert lines_of(text) == [(1, 2, 3, 4, 5)]


def test_processors_that_are_stuck_at_the_same_time_are_one_incident():
    text = """\
emerg [  100.000000] watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [alpha:11]
emerg [  100.200000] watchdog: BUG: soft lockup - CPU#8 stuck for 22s! [beta:12]
err [  130.000000] rcu: INFO: rcu_sched detected stalls on CPUs/tasks:
emerg [  900.000000] watchdog: BUG: soft lockup - CPU#3 stuck for 22s! [gamma:13]
"""
    assert lines_of(text) == [(1, 2, 3), (4,)]


def test_tasks_that_are_blocked_at_the_same_time_are_one_incident():
    text = "err [ {}.000000] INFO: task {} blocked for more than 120 seconds.\n"
    both = text.format(100, "alpha:11") + text.format(100, "beta:12")
    assert lines_of(both + text.format(103, "gamma:13")) == [(1, 2), (3,)]


def test_the_worst_incident_comes_first_whatever_its_level_is():
    text = """\
err [    2.000000] ACPI BIOS Error (bug): Could not resolve symbol
err [  100.000000] odd message of a driver
info [  200.000000] acme 0000:05:00.0 eth7: NIC Link is Up
info [  210.000000] acme 0000:05:00.0 eth7: NIC Link is Down
crit [  300.000000] Out of memory: Killed process 12 (alpha) total-vm:1kB, anon-rss:1kB
err [  400.000000] usb 3-7: device descriptor read/64, error -110
err [  500.000000] I/O error, dev sdq, sector 2048
err [  600.000000] INFO: task beta:12 blocked for more than 120 seconds.
crit [  700.000000] BUG: unable to handle page fault for address: 0000000000000008
"""
    assert [found.lead.line for found in incidents(text)] == [9, 8, 7, 6, 5, 4, 2, 1]


def test_an_error_that_the_hardware_corrected_is_a_warning():
    [found] = incidents("info [  100.000000] mce: [Hardware Error]: Machine check events logged\n")
    assert found.severity == "warn"


def test_a_line_names_its_devices():
    assert names_of("acme 0000:05:00.0 enp5s0: NIC Link is Down") == [("pci", "0000:05:00.0"), ("link", "enp5s0")]
    assert names_of("usb 1-1-port5: unable to enumerate USB device") == [("usb", "1-1.5")]
    assert names_of("usb usb3-port2: Cannot enable") == [("usb", "3-2")]
    assert names_of("sd 9:0:0:0: [sdq] Synchronizing SCSI cache") == [("disk", "9:0:0:0"), ("disk", "sdq")]
    assert names_of("enough words, usb and lan and can") == []


def test_relations_are_of_one_boot_and_are_forgotten_if_there_are_too_many():
    relations = Relations()
    relations.learn(1, "nvme nvme7: pci function 0000:0d:00.0")
    disk = ("disk", "nvme7")
    assert relations.all_names(1, [disk]) == [disk, ("pci", "0000:0d:00.0")]
    assert relations.all_names(2, [disk]) == [disk]
    for boot in range(2, RELATIONS_KEPT + 2):
        relations.learn(boot, "nvme nvme7: pci function 0000:0d:00.0")
    assert relations.all_names(1, [disk]) == [disk]


def test_a_first_word_that_is_the_name_of_a_kind_joins_nothing():
    error = "err [ 102.000000] blk_update_request: I/O error, dev sda, sector 1\n"
    text = "err [ 100.000000] {}: my widget failed badly\n" + error
    for word in ("dusk", "disk", "firmware", "report", "assertion", "blocked"):
        assert len(incidents(text.format(word))) == 2, word


def test_links_that_came_up_are_forgotten_in_the_end(monkeypatch):
    monkeypatch.setattr(collect, "NAMES_KEPT", 100)
    collector = Collector()
    for line in seen("".join(f"[ 5.000000] eth{number}: link up\n" for number in range(1000))):
        collector.add(replace(line, level="info"))
    assert len(collector._up) <= 200
