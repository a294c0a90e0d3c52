#!/bin/sh
# Makes the samples beside it with the real tools: aide 0.18.3, mtree-netbsd, libarchive-tools, hashdeep, coreutils, b3sum of
# Debian 12; run as root, for the device node and the capability. The tests know what each file holds.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
rm -rf /tmp/sample && mkdir -p /tmp/sample/sub && cd /tmp/sample
printf hello >'a b'
printf x >"$(printf 'new\nline')"
printf y >'comma,ä'
printf z >'100%'
printf w >'back\slash'
printf q >'#hash'
printf e >"$(printf 'bad\377')"
printf u >suid
printf v >'sub/x*[y'
ln 'a b' sub/twin
ln -s '0 b' link
setcap cap_net_raw+ep suid
chmod 4755 suid
# hashdeep and the sums come before the fifo, which they would wait for
hashdeep -r -l . | grep -av '^## Invoked' >"$here/sample.hashdeep"
sha256sum 'a b' "$(printf 'new\nline')" 'back\slash' "$(printf 'bad\377')" 'sub/x*[y' >"$here/sample.sha256sum"
sha256sum --tag 'a b' "$(printf 'new\nline')" >"$here/sample.tagged"
sha256sum -bz 'a b' "$(printf 'new\nline')" 'back\slash' >"$here/sample.zero"
b3sum 'a b' "$(printf 'new\nline')" 'back\slash' "$(printf 'bad\377')" >"$here/sample.b3sum"
mknod null c 1 3
mkfifo fifo
keys=type,mode,uid,gid,uname,gname,size,time,nlink,link,sha256,md5,flags,device
mtree -c -k "$keys" -p . | sed '/^#\t/d' >"$here/netbsd.mtree"
bsdtar -cf - --format=mtree --options='mtree:!all,mtree:type,mode,uid,gid,uname,gname,size,time,nlink,link,sha256,device' . >"$here/bsdtar.mtree"
cat >/tmp/import.conf <<'CONF'
database_out=file:/tmp/import.db
gzip_dbout=no
/tmp/sample/sub ftype+p+u+sha256
/tmp/sample ftype+p+l+i+n+u+g+s+m+c+acl+selinux+xattrs+e2fsattrs+caps+sha256+sha512
CONF
rm -f /tmp/import.db
aide --config=/tmp/import.conf --init >/dev/null
cp /tmp/import.db "$here/aide.db"
gzip -n9c /tmp/import.db >"$here/aide.db.gz"
rm -rf /tmp/sample /tmp/import.conf /tmp/import.db
