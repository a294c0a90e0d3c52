#!/bin/sh
# Makes one image of the fleet: `image.sh NAME ROOT BASE`. It runs in a mount namespace of its own.
set -eu
name=$1 root=$2 base=$3
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive

# who lives on every machine: audit may do everything, plain nothing; each shell has a user of its own, and noise at login
users() {
  chroot "$root" useradd -u 1000 -m -s /bin/bash audit
  chroot "$root" useradd -u 1001 -m -s /bin/bash plain
  chroot "$root" useradd -u 1002 -m -s /bin/bash noisy
  chroot "$root" useradd -u 1003 -m -s /usr/bin/tcsh tcsh
  chroot "$root" useradd -u 1004 -m -s /usr/bin/zsh zsh
  chroot "$root" useradd -u 1005 -m -s /usr/bin/fish fish
  chroot "$root" useradd -u 1006 -m -s /usr/sbin/nologin nologin
  # '*' and not '!': sshd without PAM takes an account with '!' for locked
  for user in plain noisy tcsh zsh fish nologin; do chroot "$root" usermod -p '*' "$user"; done
  echo audit:fleet-pw | chroot "$root" chpasswd -c SHA512
  for user in audit noisy tcsh zsh fish; do echo "$user ALL=(ALL:ALL) NOPASSWD: ALL"; done >"$root/etc/sudoers.d/fleet"
  chmod 440 "$root/etc/sudoers.d/fleet"
  echo "permit nopass audit" >"$root/etc/doas.conf"
}

noise() {
  # Debian's .bashrc returns at once where nobody types: this user's speaks before
  printf 'echo "welcome to $HOSTNAME"\necho "  \\033[31mno mail\\033[0m" >&2\n' >"$root/home/noisy/.bashrc"
  printf 'echo "tcsh says hello"\nset prompt="! "\n' >"$root/home/tcsh/.cshrc"
  printf 'echo "zsh says hello"\n' >"$root/home/zsh/.zshenv"
  mkdir -p "$root/home/fish/.config/fish"
  printf 'echo "fish says hello"\n' >"$root/home/fish/.config/fish/config.fish"
  chroot "$root" chown -R fish:fish /home/fish
}

case $name in
base)
  users
  noise
  rm -f "$root"/etc/ssh/ssh_host_* "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb # every machine has its own keys
  mkdir -p "$root/run/sshd"
  ;;

nopy)
  # the same Debian without Python, and so without fish: what dpkg took away is the layer
  mkdir "$root" "$root.work" "$root.all"
  mount -t overlay overlay -o "lowerdir=$base,upperdir=$root,workdir=$root.work" "$root.all"
  chroot "$root.all" apt-get -y -qq --no-download purge python3-minimal 'libpython3.*-minimal' >/dev/null
  umount "$root.all"
  rm -f "$root"/var/cache/apt/*.bin "$root"/var/log/dpkg.log "$root"/var/log/apt/*
  ! chroot "$base" test -e /usr/bin/python3 || [ -c "$root/usr/bin/python3" ]  # a whiteout: it was there and is gone
  ;;

bb)
  # busybox and dropbear with its libraries, nothing else; the loader finds them below /lib
  mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/tmp" "$root/root" "$root/run" "$root/home/audit" \
    "$root/etc/dropbear" "$root/usr/sbin" "$root/usr/bin" "$root/sbin" "$root/var/log"
  chmod 1777 "$root/tmp"
  chmod 700 "$root/root"
  cp "$base/bin/busybox" "$root/bin/busybox"
  cp "$base/usr/sbin/dropbear" "$root/usr/sbin/"
  for library in $(chroot "$base" ldd /usr/sbin/dropbear | grep -o '/[^ ]*'); do
    mkdir -p "$root${library%/*}"
    cp -L "$base$library" "$root$library"
  done
  chroot "$root" /bin/busybox --install -s /bin
  printf 'root:x:0:0:root:/root:/bin/sh\naudit:x:1000:1000::/home/audit:/bin/sh\n' >"$root/etc/passwd"
  printf 'root:*:19000:0:99999:7:::\naudit:*:19000:0:99999:7:::\n' >"$root/etc/shadow"
  printf 'root:x:0:\naudit:x:1000:\n' >"$root/etc/group"
  printf '/bin/sh\n' >"$root/etc/shells"
  chmod 600 "$root/etc/shadow"
  chown 1000:1000 "$root/home/audit"
  ;;
esac
