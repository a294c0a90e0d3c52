#!/bin/sh
# The network of the fleet, and the place its clients run in: `controller.sh HOSTS ADDRESS`.
# It lives as long as its stdin: when the test process ends, however it ends, this does, and every machine with it.
set -eu
hosts=$1 address=$2
read -r pid _ </proc/self/stat
mount --bind "$hosts" /etc/hosts
[ ! -e /etc/resolv.conf ] || mount --bind /dev/null /etc/resolv.conf # a name that is not of the fleet is asked of nobody
[ ! -d /var/cache/apt/archives ] || mount -t tmpfs none /var/cache/apt/archives # what is at hand here is no part of the fleet
ip link set lo up
ip link add fleet address 02:00:00:63:00:01 type bridge # of its own: else it changes as machines come and go
ip address add "$address" dev fleet
ip link set fleet up
echo 100 >/proc/sys/net/ipv4/neigh/fleet/retrans_time_ms # who is not there is given up in 0.3 seconds instead of 3
echo "$pid"
exec cat >/dev/null
