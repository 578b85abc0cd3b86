#!/bin/sh
# Boots the Debian in the folder $1 with its own systemd, as process 1 of a namespace that `unshare` has made.
# Each further argument is FILE=PLACE: the file is shown there, such as the socket of a Docker Engine.
set -eu
root=$1
shift

mount --make-rprivate /
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
mkdir "$root/sys/fs/cgroup/systemd"
mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd" 2>/dev/null || {
  umount "$root/sys/fs/cgroup"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
}
for folder in run tmp dev; do mount -t tmpfs tmpfs "$root/$folder"; done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t tmpfs tmpfs "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for stream in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${stream%:*}" "$root/dev/${stream#*:}"; done
for shown; do
  touch "$root${shown#*=}"
  mount --bind "${shown%%=*}" "$root${shown#*=}"
done

cd "$root"
mkdir -p .former
pivot_root . .former
umount -l /.former
exec env -i container=unkey-test PATH=/usr/sbin:/usr/bin /lib/systemd/systemd --log-target=console
