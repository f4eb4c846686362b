"""The weights of words: the inverse document frequency of a word among the kernel's messages, in bits.

The weights are fixed, so that scores do not depend on whether the whole tree is indexed or only a few files are read.
They were counted over the messages of Linux 6.1; a word in none of these rows is in less than one message in 3,500.
"""

from collections.abc import Iterable
from itertools import repeat

from ksrcfind.match.tuned_weights import UNCOMMON_WORD, UNKNOWN_WORD

_COMMON = {
    2: """
        failed
    """,
    3: """
        to
    """,
    4: """
        drm error for not
    """,
    5: """
        device in invalid is no of register set
    """,
    6: """
        allocate amdgpu at can cannot clock could data dma enable err firmware found from fs get id irq memory
        mode net_device null on out port read request reset size state status supported the type unable unknown
        with write
    """,
    7: """
        add address already and bad be block buffer bus bytes channel client cmd command config control couldn
        cpu create dbg detected disabled dml driver enabled event fail find has info init interrupt kernel len
        length link map max missing node offset or packet pci phy pid power queue rate received reg ret rx send
        setting start support table timeout too tx unsupported up using value version
    """,
    8: """
        aborting access acpi active adapter addr after alloc allocation an as ath available base bit bnx2x
        brcmfmac but by called card change check chip cifs clk code complete configuration context controller
        core count debug default descriptor dev disable disabling does done down drx39xyj dt edac entry expected
        ext4 failure file flags format frame free fw got gpio handle hardware header host hw i2c index
        initialize inode input interface io key list load lock mac mask message mismatch module must name new
        non number off only page panic powerplay property range rc reading ready region registered registers
        requested resource response returned ring sending setup slot smb space stop switch syncing target test
        than this time timed unexpected update urb usb use valid vf vfs wait waiting warning was while writing
        wrong
    """,
    9: """
        abort ack action adding all allocated allowed are attempt audio back been before bios bits bnx2fc board
        boot bridge btcoex btcoexist btrfs buf buffers bug busy byte cache call ceph changed channels checksum
        clear codec completed completion configure configured connect connection copy crc creating crtc ctrl
        current dai dc defined desc devices did display dml_dlg doesn domain drivers dropping dsi dst due dump
        duplex during eeprom empty enabling encoder end endpoint enough enter entries ep exceeds exit feature
        fifo filter first flag flash flow freq frequency full function group handler have high ib_device ibmphpd
        idle idx ignoring illegal image initialization initialized initializing internal interrupts ioremap ip
        ipw2200 it jffs2 ksmbd kvm large last level libceph limit line loaded low mailbox many mapper mapping
        master match mc media mem min misc mlx4_en more msg msi mwifiex now num nvm object old one open
        operation output overflow pages parameter parameters params parent parse path pcie peer pending pin pipe
        platform please pll pm pool present probe process protocol qp receive recovery registering registration
        regmap regulator remove removed report req required reserved resetting resources result resume return
        rev revision rfkill root rtl8821ae running scan scsi sensor session short should skb skipping slave
        small source specified speed spi src sta starting still stream success successfully suspend sync sysfs
        system tag task tests tid timer total transfer tree trying ubifs used user val vdev video vlan voltage
        watchdog when width will without wlcore wmi work yet zero
    """,
    10: """
        aborted acquire actual adc added aic94xx alarm alg aligned allocating amd ap api area array asoc assert
        assuming async ath5k atm attach attached attempting attribute auto aux backlight bandwidth bank bar
        battery beacon because big bitmap blocks bo bogus bt bulk calculated calibration callback cap capability
        capture cfg ch chain chan changing chunk cid class clearing clocks close cm comm component compress
        configuring conn connected connector controls corrupted counter cp cpufreq cq created ctx cx23885 delay
        delete deprecated depth destroy detect detection didn dir directory dirty disconnect dlm do doorbell
        download dp dpu drbd drop dropped dsp duplicate dvb ec ecc engine entered entering erase errno errors
        events exceeded exception exiting expect ext extent external fan fatal fault fb features fence fetch
        field filesystem finished flush force forcing framebuffer frames freeing fsid func gen getting gfs2
        global gpu gvt half hash hdmi head hid hotplug hz ib if ignore ignored incorrect information initial ino
        instance instead instruction int intel into intr ioctl iommu ipvs iqk ir isr issue iw_cxgb4 lane layer
        leb led left legacy lib lkdtm loading local locked log logical long lookup loop lost machine magic
        mapped maximum may mbox mclk md metadata method mhz minor mmio model monitor mount mptbase ms mtk_vcodec
        mtu multiple mux need net network next nfc nfp nfs notification notifier notify nvmet occurred offload
        ok omapdss op opal opcode option over overlay overrun panel param parity parsing partition pass passed
        pause payload pcm pd per period pf phase physical pio pixel plane pmu pointer poll polling ports post
        pre prepare primary processing progress provided provider ps pvrusb2 pwm query queues radio ram raw rbd
        re reached reason recv ref reference regs regulators release remap remote removing reply request_irq
        requesting res reserve restart restore retrieve retry returning rf rom rssi rtc rtl8188ee rtl8192de
        rtl8192u rtl8723ae rule run runtime sample sec section select selected self selftest sent seq sequence
        serial server service settings sg shutdown signal signature single skip sleep slots smc smu socket soft
        stack started stat station stats stopped stopping string struct structure submit succeeded successful
        supply supports sw temperature that thermal thinkpad_acpi thread threshold tlv transaction transmit
        transport trigger try tuner txrx ucode udc ufs unhandled unit unrecognized updating upload v4l2
        validation values vector vendor via vid virtual volume vport vs vsi wake wakeup wcn36xx we window wl1251
        wr xen xid xive yes you your zone zstd
    """,
    11: """
        about abts ac acl activate acx addresses afu again agp algorithm align alignment alive alsa another any
        apic apply applying aq_err arg argument arm assign assigned assoc associated association attr attributes
        au0828 auth authentication b43 ba backup band based bcache befs being below between beyond bind
        binder_linux binding bootloader both bound bounds break brightness broken bss bssid btc bttv build burst
        buslogic button bw cable calculateprefetchschedule calculatestutterefficiency calling cam camera
        capabilities caps carrier case cause cb cdrom cec cep char charger checking child chipset cifssmb cipher
        claim cleanup cleared closed cluster cnt color commands commit common compatible con console contains
        continue continuing cookie correct corrupt counters cpia2 cpqphp cpus cqe creation critical crypto cs
        csk ct ctl currently cxl cycle db dc395x dcb ddc de dead deassert debugfs decode decoder defaulting del
        deleted deleting descriptors dest destination determine devid dib8000 different digital direct direction
        disconnected discovery disk
        dispclkdppclkdcfclkdeepsleepprefetchparameterswatermarksandperformancecalculation div divider dm dmar
        dml32_calculateprefetchschedule dml_rq_dlg_calc dml_rq_dlg_get_dlg_params don dpm dram drive drxk
        dumping dvb_ttpci dynamic early edid eeh efi ehea element els encoding encryption eq ethernet exceed
        exist existing exists expired extended extension extents fadump failing fails fallback falling false
        family fast fc fcf fcoe fcp fd fid final finish fip fit fix fixed fixing flushing fmdrv fmt forced fpga
        frag fragment freed frontend fsl gain generic gid given giving going gpios grab greater guest h2c halt
        handled handling hard hba hci hdr heartbeat height hfsplus hp hpd hpfs hs ht hub i2s ibm ie ieee80211 ih
        iio implemented inactive incompatible incomplete inconsistent indirect initiator insert install
        insufficient intelfb interrupted interval iocb iov ipc ipv6 irqs iscsi isert isn item its itt jack jbd2
        journal kb kconfig keyboard khz l2 lanes larger latency lcd leaf least leave leaving less levels
        libcxgbi libertas linux llcp locate location lockd login longer loopback lower lp ls lun lvds main major
        malformed management manager matching mb mbps mbx mci mdio me mgmt mib mic microcode mid might mii
        minimum mixer mlx4_ib mm mmap mmu modify move moving mpt3sas mptcp mptctl mptsas mr mtd mtk_v4l2 multi
        multicast mwifiex_pcie mwifiex_sdio nand nandsim napi nci needed needs netdev netlink never nfsd nic
        nodes none nonzero normal nothing nouveau nport ns nsp32 numa nvme nvram obtain ocfs2 offline online
        opened opp ops options order otg other otp our outside overlayfs override owner oxid pa package packets
        pad part partial passive patch pattern pba pc pclk pcmcia pdev pe peb performance phys pinctrl pins pkt
        pnp point policy populate pos position possible pr previous priority private probed probing problem proc
        processed processor product profile program promiscuous properties protection proto ptp ptr put qat qid
        qmi qos qtnfmac queued quirk quota radeon raid random ranges ratio rd rdma reboot record recover refcnt
        refcount regions rejected released releasing relocation reported reports requests requires resolution
        resp restarting resuming retries retrying returns rings role route rpc rport rq rsp rss rtl8192ce
        rtl8192cu rtl8192ee rtl8192se rtl8723be rtlwifi s2io saa7134 saa7146_vv same sas save sc scale scaling
        scanning scb schedule scheduling sclk sctp sd sdio sdma second secondary seconds sector secure security
        segment selection selinux semaphore sense serdes sess sgl shadow shared shift shutting sid since sink
        sisfb sk skipped smb2pdu smbus smp smscufx so soc sock software some sp specify split spurious sq sr
        sram st staging standard step store streaming stuck sub subdev subsystem suitable super superblock
        supplied supplies suspended svm switching sys sysclk syscon sz tables tail tc tcp tdls tdm temp template
        testcase testing there through times timestamp timing tipc tlb token topology trace training transceiver
        transition trap tried triggered true truncated ts tty tunnel turn txq uart ubi ucc_geth_driver udf uid
        unaligned unavailable under underflow underrun unlock unmap unregister unregistered unused updated upper
        us usable usb_submit_urb userspace uuid uv uvd v2 va validate vbios vblank vbus vcc vchiq vdd vectors
        ver verify verity vgpu vi videobuf2_common vif virt vm vram want wanted warn wdt which widget wifi word
        workaround workqueue wq wqe written wrote wwpn xattr xfer xmit xri xxxx zoned zstd_compress
    """,
    12: """
        ac97 acp activated addba addition advansys advertise aen affinity affs agpgart ahb alt arp asserted
        atomic attaching autoneg avail bandwidth_calcs baud bclk begin bin blocked bpp broadcast bypass cal
        cancel cck cdb ce charge ci clocksource cmpl coex compression condition conf conversion corruption cr
        csr cursor cx88xx cxgb4i cycles deep deferred delta dentry dependency destroying digest discard dispc
        dlg dpcd dpk drain ds dual dummy duration echo efuse endpoints entity execute expecting ext2 extra
        fabric farsync fe files fll fp ftrace functions gart gate gc generate go good grf groups had handshake
        hdcp hit hole hot hv hwmon i40e ib_srp ib_srpt indication infoframe initialise inserted integrity intf
        ioc_status ipi ipmi ipr ipv4 iq isa iser issued issuing job join keys kill known lanai lapb layout lba
        limiting lport manual mark maxraid mce mcs mds mesh mipi modem modes mpoa ms_block msix msr negotiation
        nid nmi nr numbers oob opening operational original outstanding p2p pair pan pasid pch pdu phb pic
        playback port_id portid powernow_k8 preparing prio priv probably psp pulse qplib ra ras rates rbd_dev
        rdma_rxe real reconnect reloc remaining responding restoring right rio routing rpi rtl8192c_common rts
        sa sb scratch search sectors see sli_config slow smaller smb2ops smbdirect sony_laptop spc special
        specific srq ssid stage statistics strength submission suspending swap symbol ti timings tm top
        toshiba_acpi tv undefined unimplemented unregistering uses v1 variant vas vc verbs vhci_hcd vma were
        windfarm wrt x86 xc5000
    """,
}
"""Bits of information to the words that carry them, rounded: log2(messages / messages with the word)."""


_RARE = repeat(UNCOMMON_WORD)
_COMMON_BITS = {word: float(bits) for bits, words in _COMMON.items() for word in words.split()}
_NUMBERS = [*map(str, range(10)), *(f"{number:02}" for number in range(100))]
# A letter with a small number (`p1`, `x12`) numbers a partition, a register or a port: no text is known by it.
_BITS = {
    f"{letter}{number}": UNKNOWN_WORD for letter in "abcdefghijklmnopqrstuvwxyz_" for number in _NUMBERS
} | _COMMON_BITS


def bits(word: str, rare: float = UNCOMMON_WORD) -> float:
    """Return the weight of a word of literal text (lower case), in bits; `rare` for one that is not common."""
    return _BITS.get(word, rare)


def total(words: Iterable[str]) -> float:
    """Return the weights of words of literal text together, in bits."""
    return sum(map(_BITS.get, words, _RARE), 0.0)


def is_common(word: str) -> bool:
    """Return whether a word belongs to the kernel's usual vocabulary."""
    return word in _COMMON_BITS
