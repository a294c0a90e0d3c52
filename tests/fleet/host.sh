#!/bin/sh
# Becomes one machine of the fleet. It runs as the first process of new namespaces, below those of the controller:
#   host.sh CONTROLLER NAME ADDRESS LAYERS FILES PLACE SHARED SERVER...
# SHARED are directories of the machine of the tests that it sees too, read-only, one a line.
# All it mounts and makes ends with it: the machine's own files lie in a tmpfs that only it sees.
set -eu
controller=$1 name=$2 address=$3 layers=$4 files=$5 place=$6 shared=$7
shift 7
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
read -r pid _ </proc/self/stat # /proc is still the one of the tests, and so is this number

mount -t tmpfs -o mode=755 fleet "$place"
mkdir "$place/upper" "$place/work" "$place/root"
mount -t overlay overlay -o "lowerdir=$layers,upperdir=$place/upper,workdir=$place/work" "$place/root"
cp -a "$files/." "$place/root/"

echo "$shared" | while read -r each; do
  [ -n "$each" ] || continue
  mkdir -p "$place/root$each"
  mount --bind "$each" "$place/root$each"
  mount -o remount,bind,ro "$place/root$each"
done

hostname "$name"
ip link set lo up
ip link add eth0 type veth peer name "$name" netns "/proc/$controller/ns/net"
ip address add "$address/16" dev eth0
ip link set eth0 up
nsenter --net="/proc/$controller/ns/net" ip link set "$name" master fleet up

cd "$place/root"
mount -t proc -o nosuid,nodev,noexec proc proc
mount -t sysfs -o ro sys sys
mount -t tmpfs -o mode=755,size=1m dev dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
mount -t tmpfs -o mode=1777,size=1m shm dev/shm # as small as in many containers
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mknod -m 666 dev/null c 1 3
mknod -m 666 dev/zero c 1 5
mknod -m 666 dev/random c 1 8
mknod -m 666 dev/urandom c 1 9
mknod -m 666 dev/tty c 5 0

pivot_root . .
umount -l . # pivot_root(2): the old root lies on the new one now
cd /
echo "$pid"
exec "$@"
