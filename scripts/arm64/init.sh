#!/bin/busybox sh
# First process of the guest: mounts what is needed, runs the script that the kernel command line names, powers off.
/bin/busybox --install -s /bin 2>/dev/null
export PATH=/bin:/usr/bin
mkdir -p /proc /sys /dev /newroot
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r module; do insmod "/modules/$module" 2>/dev/null; done < /modules/order
mount -t ext4 /dev/vda /newroot || { echo 'guest: no root image'; poweroff -f; }
mount --move /dev /newroot/dev
mount --move /proc /newroot/proc
mount --move /sys /newroot/sys
mount -t tmpfs tmpfs /newroot/tmp
mount -t tmpfs tmpfs /newroot/run
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro work /newroot/work || { echo 'guest: no work tree'; poweroff -f; }
mkdir -p /newroot/shared
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 shared /newroot/shared || { echo 'guest: no shared directory'; poweroff -f; }
cp /bin/busybox /newroot/bin/busybox 2>/dev/null
for applet in sh mount mkdir cp ls cat env ip ifconfig poweroff ln rm chmod find date sync sleep ps kill grep unshare; do
  ln -sf busybox "/newroot/bin/$applet"
done
ifconfig lo 127.0.0.1 up
exec chroot /newroot /bin/sh -c 'cd /work && export HOME=/root PATH=/usr/bin:/bin && sh scripts/arm64/inside.sh; echo "guest: exit status $?"; sync; poweroff -f'
