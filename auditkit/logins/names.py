"""Names that are tried everywhere, so that trying them says nothing of this machine.

Written for auditkit, from what such names are: accounts that systems make by themselves (base-passwd(8) of Debian, sysusers.d
of Fedora), that images of clouds and small computers come with, that products create when they are installed, and words that
stand for a role and for no person. A name that is not here and exists on the machine is one that somebody knew.
"""

_SYSTEM = """
root toor daemon bin sys sync games man lp mail news uucp proxy www-data www backup list irc gnats nobody sshd messagebus
systemd-network systemd-resolve systemd-timesync polkitd avahi rtkit uuidd tcpdump syslog ntp chrony dnsmasq operator halt
shutdown adm ftp apache http httpd nginx postfix mailnull smmsp rpc rpcuser nfsnobody dbus abrt tss saslauth libvirt-qemu
"""
_IMAGES = """
ubuntu debian centos fedora ec2-user rocky almalinux cloud cloud-user opc admin administrator pi raspberry alpine arch archlinux
core vagrant azureuser azure ansible osmc volumio dietpi odroid orangepi kali parrot suse opensuse rhel ubnt vyos mikrotik cisco
"""
_PRODUCTS = """
mysql mariadb postgres postgresql pgsql oracle mongodb mongo redis elasticsearch elastic kibana logstash cassandra hadoop hdfs
yarn spark hive kafka zookeeper solr neo4j influxdb grafana prometheus nagios zabbix icinga munin cacti tomcat jboss wildfly
glassfish weblogic jenkins gitlab gitlab-runner git gogs gitea svn subversion nexus sonar sonarqube teamcity bamboo jira
confluence docker kubernetes k8s minikube rancher consul vault nomad puppet chef salt rundeck odoo openerp sap asterisk pbx
freepbx vicidial 3cx teamspeak teamspeak3 ts ts3 ts3server minecraft mc steam csgo csserver gmod rust ark samba smb vnc xrdp rdp
squid openvpn wireguard vpn ftpuser ftpadmin vsftpd proftpd wordpress wp joomla drupal magento moodle nextcloud owncloud plex
emby sonarr radarr transmission deluge qbittorrent hik hikvision dahua ubiquiti unifi synology qnap nas dspace ethos miner
eth btc bitcoin solana sol node validator ethereum geth besu lighthouse prysm ollama dolphinscheduler flink airflow superset
"""
_ROLES = """
test test1 test2 test3 test123 tester testing testuser user user1 user2 user3 user123 users guest guest1 demo demouser default
support helpdesk service services supervisor manager monitor monitoring backupuser sysadmin sysop webadmin webmaster web
webuser hostmaster postmaster info office sales marketing accounting accounts finance hr dev devel developer development devops
deploy deployer deployment build builder ci runner prod production stage staging qa uat sandbox student student1 teacher school
training temp tmp tempuser upload uploader download public share shared client customer api app app1 application appuser data
database db dba dbadmin sql server ssh sshuser login remote remoteuser access account anonymous bot robot telnet tech technician
master super superuser sudo sysuser system scan scanner print printer video music radio camera game gamer server1 worker
"""
STOCK = frozenset(f"{_SYSTEM} {_IMAGES} {_PRODUCTS} {_ROLES}".split())
"""All of them, in lower case."""


def is_stock(name: str) -> bool:
    """Whether a name is tried everywhere: it stands in the list, with or without numbers behind it, or is no name at all."""
    plain = name.lower().strip()
    return not plain or plain in STOCK or plain.rstrip("0123456789_-@!.") in STOCK or len(plain) < 3 or plain.isdigit()
