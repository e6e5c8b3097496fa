#!/usr/bin/env bash
# node.sh start FOLDER: a node for one Kubernetes, as a machine inside this machine. It has its own mount, network, PID,
# cgroup and host name namespaces; /run, /var/lib and /var/log are empty folders of its own, so that every file has its
# usual path. Prints `ready N` on stdout: the node's address is 10.77.N.2, its Pods have 10.78.N.0/24, its Services
# 10.79.N.0/24, and this machine routes to them through the link fsb-node-N. All processes, mounts, links, routes and
# iptables rules of the node end with its first process, which ends with its parent.
# node.sh within FOLDER PID COMMAND...: runs a command in the node whose first process is PID.
# node.sh check: exits with 77 and the reason when this machine cannot run a node.
# node.sh sweep [FOLDER]: removes the folders (/var/tmp/fsb-node-*), cgroups and links of ended nodes; waits for the
# node of FOLDER, whose first process has been killed.
set -euo pipefail
cgroups=/sys/fs/cgroup

hierarchies() { awk '$3 == "cgroup" { print $2 }' /proc/self/mounts; }

make_cgroups() {
  local hierarchy file
  while read -r hierarchy; do
    mkdir "$hierarchy/$1"
    for file in cpuset.cpus cpuset.mems; do # empty in a new cpuset, which then accepts no process
      [ ! -e "$hierarchy/$file" ] || cat "$hierarchy/$file" >"$hierarchy/$1/$file"
    done
  done < <(hierarchies)
}

join_cgroups() {
  local hierarchy
  while read -r hierarchy; do echo $$ >"$hierarchy/$1/cgroup.procs"; done < <(hierarchies)
}

# Removes the cgroups of an ended node. A process leaves its cgroups shortly after its files and mounts, so rmdir is
# retried for ten seconds.
remove_cgroups() {
  local hierarchy attempt
  while read -r hierarchy; do
    for ((attempt = 0; attempt < 100; attempt++)); do
      [ -d "$hierarchy/$1" ] || continue 2
      find "$hierarchy/$1" -depth -type d -exec rmdir {} + 2>/dev/null && continue 2
      sleep 0.1
    done
    echo "node.sh: $hierarchy/$1 is not removed: processes are in it" >&2
  done < <(hierarchies)
}

outside() {
  exec 8</proc/self/ns/net 9>"$1/lock" # every process of the node holds 9: whoever locks it knows all ended
  flock -n 9
  make_cgroups "$(basename "$1")"
  join_cgroups "$(basename "$1")"
  exec unshare --mount --net --pid --cgroup --uts --ipc --fork --kill-child "$0" inside "$1"
}

inside() {
  local folder=$1 index
  for ((index = 0; index < 255; index++)); do
    ip link add eth0 type veth peer name "fsb-node-$index" netns /proc/self/fd/8 2>/dev/null && break
  done
  mount --make-rslave / # mounts made here stay invisible on the machine
  mount --make-rshared /
  mount -t proc proc /proc
  mount -t sysfs sysfs /sys
  mount_cgroups
  mount_folders "$folder"
  fake_sysctls "$folder"
  echo "fsb-node-$index" >"$folder/link"
  network "$index"
  hostname node-1
  echo "ready $index"
  # bash adopts and reaps orphaned processes
  sleep infinity &
  wait
}

mount_cgroups() {
  local controller
  mount -t tmpfs tmpfs $cgroups
  while read -r controller; do
    mkdir "$cgroups/$controller"
    mount -t cgroup -o "$controller" cgroup "$cgroups/$controller"
  done < <(awk '$4 == 1 && $2 > 0 { print $1 }' /proc/cgroups)
  mkdir $cgroups/systemd
  mount -t cgroup -o none,name=systemd cgroup $cgroups/systemd
}

mount_folders() {
  local path
  mount -t tmpfs -o mode=755 tmpfs /run
  for path in /var/lib /var/log; do
    mkdir -p "$1/root$path"
    mount --bind "$1/root$path" "$path"
  done
}

# Sysctls that a kubelet would set on the whole machine: it finds its values in place and writes nothing.
fake_sysctls() {
  local name value
  mkdir -p "$1/sysctls"
  while read -r name value; do
    echo "$value" >"$1/sysctls/$(basename "$name")"
    mount --bind "$1/sysctls/$(basename "$name")" "/proc/sys/$name"
  done <<'VALUES'
vm/overcommit_memory 1
vm/panic_on_oom 0
kernel/panic 10
kernel/panic_on_oops 1
kernel/keys/root_maxkeys 1000000
kernel/keys/root_maxbytes 25000000
VALUES
}

network() {
  local link=fsb-node-$1 node=10.77.$1 machine=(nsenter --net=/proc/self/fd/8)
  ip link set lo up
  ip addr add "$node.2/24" dev eth0
  ip link set eth0 up
  "${machine[@]}" ip addr add "$node.1/24" dev "$link"
  "${machine[@]}" ip link set "$link" up
  for range in "10.78.$1.0/24" "10.79.$1.0/24"; do "${machine[@]}" ip route add "$range" via "$node.2"; done
  ip route add default via "$node.1"
  sysctl -qw net.ipv4.ip_forward=1
}

sweep() {
  local folder wait
  for folder in /var/tmp/fsb-node-*; do
    [ -f "$folder/lock" ] || continue # not a node, or one that is being made
    exec 9>>"$folder/lock"
    wait=(-n)
    [ "$folder" != "${1:-}" ] || wait=(--timeout 30) # its processes are ending
    flock "${wait[@]}" 9 || continue
    remove_cgroups "$(basename "$folder")"
    # orphaned TCP connections keep the network namespace for a minute or two
    [ ! -f "$folder/link" ] || ip link delete "$(cat "$folder/link")" 2>/dev/null || true
    rm -rf "$folder"
  done
}

within() {
  local folder=$1 pid=$2
  shift 2
  join_cgroups "$(basename "$folder")"
  exec nsenter --target "$pid" --all --wd="$folder" -- "$@"
}

check() {
  if hierarchies | grep -q /memory; then return; fi
  echo 'SKIPPED: this machine cannot run a Kubernetes node: kubelet and node.sh need cgroup v1 hierarchies' >&2
  exit 77
}

case $1 in
start) outside "$2" ;;
inside) inside "$2" ;;
within) within "${@:2}" ;;
check) check ;;
sweep) sweep "${@:2}" ;;
esac
