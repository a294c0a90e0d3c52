# What runs on a host without Python: the tools of GNU or busybox, asked by auditkit/ssh/shell.py. Three scripts, each begun
# by a line `#-- NAME`; lines that begin with `#` do not travel. Nothing is written on the host, not even a here-document:
# bash keeps those in files.

#-- door
# Read by the login's /bin/sh. `kill 0` must hit what we started and nothing else: sshd makes a session for each command,
# others (dropbear) do not, and there setsid(1) makes one; it would fork, and its parent end, where there is one already.
{
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin; export PATH
own=; before=; group=
{ read -r pid name state parent group rest; } 2>/dev/null </proc/$$/stat
if [ "$group" = $$ ]; then own=own
elif [ "$group" ] && command -v setsid >/dev/null 2>&1; then own=own before=setsid; fi
command -v nice >/dev/null 2>&1 && before="$before nice -n 19"
[ "$(id -u)" != 0 ] || become=
printf '\n%s%s %s %s\n' "$first" "$second" door "${SSH_CONNECTION%% *}"
exec $before $become /bin/sh -s "$own"
}

#-- room
# Read by that shell, perhaps as root. Says by trying them which tools are there. Then one cat(1) hands on what comes in and
# sees it end: at once, whatever runs by then, for no more is ever under way than the pipe behind it holds.
{
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin; LC_ALL=C; N=$first$second; export PATH LC_ALL N F
has=
F='%f %u %g %h %i %s %Y %Z 0 %d %t %T :%U:%G'
try() { [ "$1" = "$2" ] && has="$has $3"; }
try "$(find / -xdev -mindepth 0 -maxdepth 0 -print0 '(' -path '\/x' -o -path / ')' -prune 2>/dev/null | xargs -0 -n 1 stat -c '%a %T %h' 2>/dev/null)" "$(stat -c '%a %T %h' / 2>/dev/null || echo no)" list
try "$(find / -maxdepth 0 -printf '%y%l\0' 2>/dev/null | tr '\0' :)$(stat -c %.9Y / 2>/dev/null | sed 's/^[0-9-]*[.][0-9]\{9\}$/ns/')" d:ns gnu
try "$(sha256sum </dev/null 2>/dev/null | cut -c1-8)" e3b0c442 sha256
try "$(md5sum </dev/null 2>/dev/null | cut -c1-8)" d41d8cd9 md5
try "$(sha1sum </dev/null 2>/dev/null | cut -c1-8)" da39a3ee sha1
try "$(b3sum --no-names </dev/null 2>/dev/null | cut -c1-8)" af1349b9 blake3
try "$(echo abc | head -c 2 2>/dev/null)" ab head
try "$(echo aab | tr '\000' '\001' 2>/dev/null | sed -r 's/(a){2}/\1/' 2>/dev/null)$(readlink -f / 2>/dev/null)" ab/ facts
case $has in *' gnu'*) F='%f %u %g %h %i %s %.9Y %.9Z %.9W %d %t %T :%U:%G';; esac
user=$(id -un 2>/dev/null) kernel=$(uname -srm 2>/dev/null)
printf '\n%s room %s %s %s - %s%s\n' "$N" "$(id -u)" "$(date +%s)" "${user:-?}" "${kernel:-? ? ?}" "$has"
exec 3<&0
[ -z "$1" ] || { sleep "$seconds"; kill -TERM 0; } </dev/null >/dev/null 2>&1 3<&- &
{ cat <&3; [ -z "$1" ] || kill -TERM 0; } | xargs -0 -n "$count" /bin/sh -c "$work" sh
exit 0
}

#-- work
# Run by xargs(1) with one question: how many words to drop, those words, a verb, and what it is about. Names stay data all
# the way: they come ended by NUL and are words of a command from then on, each beginning with `/`.
[ $# -gt 1 ] || exit 0
shift "$1"
exec </dev/null 4>&1
verb=$1
line='
'
shift

# The digest of stdin or of files, by algorithm.
total() {
  case $1 in
  sha256) shift; sha256sum "$@";;
  md5) shift; md5sum "$@";;
  sha1) shift; sha1sum "$@";;
  blake3) shift; b3sum --no-names "$@";;
  esac
}

# Why a command fails. That it does is told by how it ends alone: on stderr others speak too, as ld.so does of a library
# that it is to load and cannot find, at the start of each program. The `?` is for one that does not say.
why() {
  echo '?'
  "$@" 2>&1 >/dev/null
}

# The row of a file, or why there is none.
row() {
  stat -c "$F" "$1" 2>/dev/null || why stat -c "$F" "$1"
}

# What holds password hashes on every machine, whatever was asked for: probe/take.py.
tables='/etc/passwd /etc/passwd- /etc/shadow /etc/shadow- /etc/group /etc/group- /etc/gshadow /etc/gshadow-
/var/backups/passwd.bak /var/backups/shadow.bak /var/backups/group.bak /var/backups/gshadow.bak /etc/master.passwd'

# Write fd 5, open on $f, to fd 4: as it is, or the facts of it where it may hold password hashes (probe/take.py). What was
# opened is what counts, not where a name led before. Says why that cannot be done.
give() {
  real=$(readlink /proc/self/fd/5 2>/dev/null || readlink -f "$f")
  real=${real%" (deleted)"}
  [ "$how" = whole ] || for one in $tables; do
    [ "$one" != "$real" ] && [ "$one" != "$f" ] && { [ -z "$log" ] || [ ! /proc/self/fd/5 -ef "$one" ]; } || how=${log}facts
  done
  case $how${f##*/} in
  secretpasswd|secretshadow|secretgroup|secretgshadow) how=facts;;
  esac
  case $how${real:+known} in
  piece*) said=$(dd bs="$most" skip="$at" count=1 <&5 2>&1 >&4) || echo "? $said";;
  packed*)
    said=$({ { dd bs="$most" skip="$at" count=1 <&5 2>/dev/null || echo '?' >&3; } | gzip -1 -c >&4; } 3>&1)
    [ -z "$said" ] || echo "$said"
    ;;
  plainknown|wholeknown) said=$(head -c "$most" <&5 2>&1 >&4) || echo "? $said";;
  factsknown) head -c "$most" <&5 | tr '\000' '\001' | sed -r "$facts" >&4 || echo secret;;
  linesknown) head -c "$most" <&5 | tr '\000' '\001' | sed -r "$at" >&4 || echo secret;;
  *) echo secret;;
  esac
}

# Whether fds 5 and up are open on what these names lead to, the first five of them, and on no table. No program is started
# for that: test(1) of the shell compares files, and one that cannot says no.
plain() {
  fd=5
  for f; do
    [ $fd -lt 10 ] || return 0
    [ "/proc/self/fd/$fd" -ef "$f" ] || return 1
    for one in $tables; do
      [ ! "/proc/self/fd/$fd" -ef "$one" ] || return 1
    done
    fd=$((fd + 1))
  done
}

# Whether the first five of these names lead to files: of what is none, opening it might never end.
regular() {
  for f in "$1" "${2:-$1}" "${3:-$1}" "${4:-$1}" "${5:-$1}"; do [ -f "$f" ] || return 1; done
}

# Say what may be told of a private key on fd 5: the line that it begins with, whether it is encrypted, and of OpenSSH's own
# format (PROTOCOL.key) all up to the end of the public half. No program but the shell sees any of it, no line behind that is
# kept, and what is odd is not told of.
key() {
  head= body= half=
  IFS= read -r head <&5
  head=${head%"$cr"}
  case $head in
  '-----BEGIN OPENSSH PRIVATE KEY-----')
    half && printf '%s\n%s\n-----END \n' "$head" "$half";;
  '-----BEGIN PRIVATE KEY-----'|'-----BEGIN ENCRYPTED PRIVATE KEY-----') pem;;
  '-----BEGIN RSA PRIVATE KEY-----'|'-----BEGIN DSA PRIVATE KEY-----'|'-----BEGIN EC PRIVATE KEY-----') pem;;
  PuTTY-User-Key-File-[0-9]:*)
    IFS= read -r text <&5
    text=${text%"$cr"}
    case ${text#Encryption: } in
    ''|"$text"|*[!a-z0-9-]*) return 1;;
    esac
    printf '%s: \n%s\n' "${head%%:*}" "$text";;
  *'PRIVATE KEY'*) return 1;;
  *)
    # a single line is no key
    IFS= read -r text <&5 || [ "$text" ] || { echo none; return; }
    grep -q 'PRIVATE KEY-----' /proc/self/fd/5
    [ $? = 1 ] && echo none;;
  esac
}

# Say of a key on fd 5, whose first line is $head, whether it is encrypted.
pem() {
  said=
  while IFS= read -r text <&5; do
    case $text in
    'Proc-Type: 4,ENCRYPTED'*|DEK-Info:*) said="DEK-Info:$line";;
    '-----END '*) printf '%s\n%s-----END \n' "$head" "$said"; return;;
    esac
  done
  return 1
}

# Leave in $half the base64 that follows on fd 5, up to the end of the public half: behind that stands a length.
half() {
  [ $((16777216 * 16777216)) = 281474976710656 ] && more 20 || return 1
  case $body in
  b3BlbnNzaC1rZXktdjEA*) ;;
  *) return 1;;
  esac
  at=15
  for most in 64 64 256; do
    number $at && [ $n -le $most ] || return 1
    at=$((at + 4 + n))
  done
  number $((at + 4)) && [ $n -le 8192 ] || return 1
  end=$((at + 8 + n)) at=$((at + 8)) fields=0
  more $(((end + 2) / 3 * 4)) || return 1
  # a public key is a name and up to four more fields: damage must not make more of it
  while [ $at -lt $end ]; do
    number $at && [ $fields -lt 5 ] || return 1
    [ $n -le 64 ] || [ $fields -gt 0 ] || return 1
    at=$((at + 4 + n)) fields=$((fields + 1))
  done
  [ $at = $end ] || return 1
  at=$(((end + 2) / 3 * 4))
  while [ ${#half} -lt $at ]; do
    rest=${body#????}
    half=$half${body%"$rest"} body=$rest
  done
}

# Have so many characters in $body.
more() {
  while [ ${#body} -lt "$1" ]; do
    IFS= read -r text <&5 || return 1
    text=${text%"$cr"}
    case $text in
    ''|*[!A-Za-z0-9+/]*) return 1;;
    esac
    body=$body$text
  done
}

# Leave in $n the number of four bytes that stands at this place of what $body means.
number() {
  more $(($1 / 3 * 4 + 8)) || return 1
  rest=$body n=0 some=$(($1 / 3))
  while [ $some -gt 0 ]; do rest=${rest#????} some=$((some - 1)); done
  while [ $some -lt 8 ]; do
    before=${digits%%"${rest%"${rest#?}"}"*} rest=${rest#?}
    [ ${#before} -lt 64 ] || return 1
    n=$((n * 64 + ${#before})) some=$((some + 1))
  done
  case $(($1 % 3)) in
  0) n=$((n / 65536));;
  1) n=$((n / 256));;
  esac
  n=$((n % 4294967296))
}

facts='
/:/!{
s/^[[:space:]]*#.*/#<other>/;t
s/.*\$[0-9A-Za-z]{1,16}[$,].*/<other>/;t
/^[[:space:]]*$/b
/^[[:space:]]*[+-]/b
s/.*/<other>/
b
}
s/^([^:]*:[^:]*)/\1\n/
:others
s/(\n.*:)[^:]*\$[0-9A-Za-z]{1,16}[$,][^:]*/\1<other>/
t others
s/\n//
s/^[^:]*\$[0-9A-Za-z]{1,16}[$,][^:]*:/<other>:/
t password
:password
s/^([^:]*:)(:|$)/\1<empty>\2/;t
/^[^:]*:x(:|$)/b
s/^([^:]*:)([!*])[!*]*/\1\nlocked \2 /
t scheme
s/^([^:]*:)/\1\nset /
t scheme
:scheme
s/\n(locked [!*]|set) \$(1|2|2a|2b|2x|2y|3|5|6|7|gy|md5|sha1|sm3|y)[$,][^:]*/<\1 $\2$>/;t
s/\n(locked [!*]|set) \$[0-9A-Za-z]{1,16}[$,][^:]*/<\1 $?$>/;t
s/\n(locked [!*]|set) [.\/0-9A-Za-z]{13,178}(,[^:]*)?(:|$)/<\1 des>\3/;t
s/\n(locked [!*]|set) _[.\/0-9A-Za-z]{19}(:|$)/<\1 des>\2/;t
s/\n(locked [!*]) [^:]*/<\1>/;t
s/\nset [^:]*/<none>/
'

# Whether there is a tool for what a log was packed by.
unpacks() {
  case $how in
  plain) return 0;;
  gz) set -- gzip;;
  bz2) set -- bzip2;;
  lzma) set -- xz;;
  zst) set -- zstd;;
  *) set -- "$how";;
  esac
  command -v "$1" >/dev/null 2>&1
}

# The first $most bytes of a log or of what it was packed from.
unpacked() {
  case $how in
  plain) cat "$f";;
  gz) gzip -dc <"$f";;
  bz2) bzip2 -dc <"$f";;
  xz) xz -dc <"$f";;
  lzma) lzma -dc <"$f";;
  zst) zstd -dc <"$f";;
  esac 2>/dev/null | head -c "$most"
}

# The number of the parent in what /proc/PID/stat holds.
parent() {
  set -- "${1##*) }"
  set -- "${1#* }"
  echo "${1%% *}"
}

case $verb in
list)
  # names, each ended by NUL; NUL; what find(1) complains of, and how it ended
  said=$({ find "$@" 2>&1 >&4; printf '\n=%d' $?; } | { head -c 65536; cat >/dev/null; })
  printf '\0%s' "$said"
  ;;
names)
  # of many directories what list tells of one, up to so many bytes; it counts only where nothing is complained of
  most=$1
  shift
  { find "$@" -mindepth 1 -maxdepth 1 -print0 2>/dev/null; printf '\0=%d' $?; } | head -c "$most"
  ;;
modes)
  # what decides who may write; names of owners would be looked up for each
  stat -c '%f %u %g' "$@" 2>/dev/null
  ;;
rows)
  stat -c "$F" "$@" 2>/dev/null
  ;;
rows-one)
  for f; do
    if said=$(stat -c "$F" "$f" 2>/dev/null); then printf '+%s\0' "$said"; else printf '%s%s\0' - "$(why stat "$f")"; fi
  done
  ;;
links)
  find "$@" -maxdepth 0 -printf '%l\0' 2>/dev/null
  ;;
links-one)
  for f; do printf '%s\0' "$(readlink "$f" 2>/dev/null; echo .)"; done
  ;;
sums)
  how=$1; shift
  date +%s.%N
  for one in $how; do total "$one" "$@" 2>/dev/null; printf '\0'; done
  stat -c "$F" "$@" 2>/dev/null
  ;;
sums-one)
  # what a file claims to hold now is read, so that a log that grows is no reason to give up
  how=$1; sleep "$2"; shift 2
  date +%s.%N
  for f; do
    said=$(row "$f")
    printf '%s\0' "$said"
    most=$(stat -c %s "$f" 2>/dev/null)
    [ "$most" != 0 ] || most=131072
    for one in $how; do
      case $said in
      8???\ *) bad=$({ { head -c "$most" "$f" 2>&6 || echo '=' >&6; } | total "$one" >&4 2>/dev/null; } 6>&1);;
      *) bad=;;
      esac
      case $bad in *=) ;; *) bad=;; esac
      printf '\0%s\0' "$bad"
    done
    printf '%s\0' "$(stat -c "$F" "$f" 2>/dev/null)"
  done
  ;;
take)
  # whole: bytes that everybody there may read anyway, of no link; lines: what this script of sed(1) leaves of it; piece: the
  # one of that number of a long file; packed: the same, by gzip(1); logpiece and logpacked: of a log, in whose place no facts
  # travel
  how=${1#log} most=$2 f=$3 at=$4 size=$2 log=
  [ "$how" = "$1" ] || log=no
  if [ "$how" = whole ] && [ -L "$f" ]; then said=': a symlink now'
  elif [ ! -e "$f" ] || ! said=$(stat -L -c '%f %A %s' "$f" 2>/dev/null); then said=$(why stat -L "$f")
  else
    case $said in
    4*) said=': Is a directory';;
    8*)
      [ "$how" != piece ] && [ "$how" != packed ] || size=$5
      if [ "${said##* }" -ge "$size" ]; then said=long
      else said=$({ give 5<"$f"; } 2>/dev/null) || said=$({ echo '?'; true 5<"$f"; } 2>&1); fi;;
    *) said=${said#* }; said="no regular file (${said% *})";;
    esac
  fi
  printf '%s %s' "$N" "$said"
  ;;
logs)
  # whether there is gzip(1), and the facts of what each name leads to, or why it leads to nothing
  command -v gzip >/dev/null 2>&1 && printf gz
  printf '\0'
  for f; do
    if said=$(stat -L -c '%f %u %g %i %s %Y %b' "$f" 2>/dev/null); then printf '+%s\0' "$said"
    else printf '%s%s\0' - "$(why stat -L "$f")"; fi
  done
  ;;
several)
  # files that anybody may see, five at a time: up to so many bytes of each, and before and behind each of them all that
  # head(1) has as its environment, in which only the nonce is not known to others; or nothing where not all of it goes well
  most=$1
  shift
  less=$(env | sed -n '/^N=/d;/^PATH=/d;s/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/-u \1/p')
  e=/proc/self/environ d=/proc/self/fd
  while [ $# -gt 0 ]; do
    { ! regular "$@" || {
      plain "$@" && env $less head -q -c "$most" $e $d/5 $e $d/6 $e $d/7 $e $d/8 $e $d/9 $e && printf +
    } 5<"$1" 6<"${2:-/dev/null}" 7<"${3:-/dev/null}" 8<"${4:-/dev/null}" 9<"${5:-/dev/null}"; } 2>/dev/null
    printf '%s;' "$N"
    [ $# -gt 5 ] || break
    shift 5
  done
  ;;
keys)
  # what may be told of each file that may be a private key; nothing of what is no small file, is odd, or takes too long
  sizes=$(stat -L -c %s "$@" 2>/dev/null)$line
  cr=$(printf '\r')
  digits=ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/
  (
    ulimit -t 20 || exit
    for f; do
      size=${sizes%%"$line"*} sizes=${sizes#*"$line"}
      [ -f "$f" ] && [ "${size:-0}" -le 16384 ] && { plain "$f" && key && printf +; } 5<"$f"
      printf '%s;' "$N"
    done
  ) 2>/dev/null
  ;;
lineage)
  # what is loaded into this process, its parent and so on, as probe/lineage.py has it
  pid=$$ child=
  while [ "$pid" -gt 0 ]; do
    why= name= said=
    if stat=$(cat "/proc/$pid/stat" 2>/dev/null) && cat "/proc/$pid/environ" >/dev/null 2>&1; then
      name=${stat#*(}
      name=${name%)*}
      said=$({ tr '\000' '\n' <"/proc/$pid/environ" | sed -n '/^LD_PRELOAD=/p;/^LD_AUDIT=/p;/^LD_LIBRARY_PATH=/p'
      sed -n 's/^[^ ]* ..x. [^/]*\(\/.*\)/\1/p' "/proc/$pid/maps"; } 2>/dev/null)
    else
      # it may have ended meanwhile, and another process have its child now
      heir=$(parent "$(cat "/proc/$child/stat" 2>/dev/null)")
      [ "${heir:-$pid}" = "$pid" ] || { pid=$heir; continue; }
      why=$(why cat "/proc/$pid/stat" "/proc/$pid/environ")
    fi
    printf '%s\0%s\0%s\0%s\0' "$pid" "$name" "$said" "$why"
    [ -z "$why" ] || break
    child=$pid pid=$(parent "$stat")
  done
  ;;
there)
  # line by line, of each path `f` if it is a file, else `-`, and the directory that it really lies in, or nothing where only
  # a look of its own tells that; nothing at all where it does not answer. Then `=` where stat(1) finds none of those, else
  # what it says
  told= none=0 other=
  for f; do
    PWD= is=
    if [ -e "$f" ]; then
      is=-
      [ ! -f "$f" ] || is=f
      case ${f##*/} in
      ''|.|..) ;;
      *) [ -L "$f" ] || cd -P "${f%/*}/" && [ "$PWD/${f##*/}" -ef "$f" ] || PWD=;;
      esac
      case $PWD in
      *"$line"*) PWD=;;
      esac
    else none=$((none + 1))
    fi
    told=$told$is$PWD$line
  done 2>/dev/null
  cd /
  said=
  [ $none = 0 ] || said=$(stat -L -c %f "$@" 2>&1 >/dev/null)
  set -f
  IFS=$line
  for each in $said; do
    case $each in
    *"': No such file or directory"|*"': Not a directory") none=$((none - 1));;
    *) other=other;;
    esac
  done
  [ "$none$other" != 0 ] || said==
  printf '%s%s' "$told" "$said"
  ;;
way)
  # of each path where it really is, and the rows of that and of each directory above; or why it is nowhere
  for f; do
    real=
    [ ! -e "$f" ] || real=$(readlink -f "$f" 2>/dev/null; echo .)
    case $real in
    /*) real=${real%??};;
    *) real=;;
    esac
    set --
    up=${real:-/}
    while :; do
      set -- "$@" "$up"
      [ "$up" != / ] || break
      up=${up%/*}
      up=${up:-/}
    done
    if [ -z "$real" ]; then said=$(why stat -L "$f")
    else said=$(stat -c '%f %u %g' "$@" 2>/dev/null) || said=$(why stat -c %f "$@"); fi
    printf '%s\0%s\0' "$real" "$said"
  done
  ;;
run)
  # stdout, NUL, stderr and how it ended, of a program that the other side has found to be root's. It has a group of its own
  # where there is setsid(1), so that nothing of it is left; what ends it in time is ended with it
  most=$1 seconds=$2 pack=$3 own= group=
  shift 3
  cd /
  command -v setsid >/dev/null 2>&1 && own=setsid group=-
  said=$({ { {
    $own env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C "$@" 2>&5 3>&- 4>&- 5>&- &
    pid=$!
    # a shell of its own, so that it holds no end of a pipe; it ends the program also when the other side is gone
    /bin/sh -c 'trap "kill \$!; kill -KILL $2; exit" TERM; sleep "$1" & wait $!; kill -KILL "$2"' sh "$seconds" "$group$pid" \
      >/dev/null 3>&- 4>&- 5>&- &
    wait $pid
    code=$?
    kill -TERM $!
    kill -KILL "$group$pid"
    printf '\n%s=%s' "$N" $code >&3
  } 2>/dev/null | if [ "$pack" ]; then head -c "$most" | gzip -1 -c; else head -c "$most"; fi >&4; } 5>&1 3>&1 | head -c 1048577; } 2>/dev/null)
  printf '\0%s' "$said"
  ;;
sockets)
  # the moment of the start, the order of bytes, our network, then which handles are sockets, and every program
  printf '%s\0%s\0%s\0' "$(sed -n 's/^btime //p' /proc/stat 2>/dev/null)" \
    "$(head -c 6 /proc/self/exe 2>/dev/null | tail -c 1 | tr '\001\002' 'lb')" "$(readlink /proc/self/ns/net)"
  find /proc/[0-9]*/fd -mindepth 1 -maxdepth 1 -print0 2>/dev/null | xargs -0 stat -c %N 2>/dev/null | grep 'socket:\['
  printf '%s\0' /proc/[0-9]*/exe | xargs -0 stat -c %N 2>/dev/null
  printf '%s\0' /proc/[0-9]*/status | xargs -0 grep -l "^Name:[[:space:]]*\($1\)\$" 2>/dev/null
  ;;
processes)
  # PID, its stat, effective uid, program, network and groups, each ended by NUL; its arguments as they are, then the nonce
  most=$1
  shift
  for f; do
    printf '%s\0' "$f" "$(cat "$f/stat" 2>/dev/null)" \
      "$(sed -n 's/^Uid:[^0-9]*[0-9]*[^0-9]*\([0-9]*\).*/\1/p' "$f/status" 2>/dev/null)" \
      "$(readlink "$f/exe" 2>/dev/null; echo .)" "$(readlink "$f/ns/net" 2>/dev/null)" "$(cat "$f/cgroup" 2>/dev/null)"
    head -c "$most" "$f/cmdline" 2>/dev/null
    printf '%s=' "$N"
  done
  ;;
begin)
  how=$1 algorithms=$2 most=$3 f=$4
  if [ -f "$f" ] && [ "$(readlink -f "$f"; echo .)" = "$f
." ] && [ "$(unpacked | wc -c)" -eq "$most" ]; then
    for one in $algorithms; do unpacked | total "$one" 2>/dev/null; done
  elif [ -f "$f" ] && [ ! -L "$f" ] && ! unpacks; then
    echo '?'
  fi
  ;;
esac
printf '%s\n' "$N"
exit 0
