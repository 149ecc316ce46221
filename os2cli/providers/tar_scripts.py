"""The shell scripts around the tar of a machine: any POSIX shell, GNU's programs or BusyBox's."""

from __future__ import annotations

from os2cli.host.pseudo_files import PSEUDO_TYPES

# Exit codes that no tar has.
PSEUDO, NOT_A_FOLDER = 90, 91

# ``f_type`` of PSEUDO_TYPES, as ``stat -f`` prints it: autofs, binfmt_misc, bpf, cgroup (both),
# configfs, debugfs, devpts, efivarfs, fusectl, mqueue, nsfs, proc, pstore, rpc_pipefs, securityfs,
# selinuxfs, sysfs, tracefs. A stat without it lets all through.
_PSEUDO = """
unset TAR_OPTIONS CDPATH
is_pseudo() {
    case $(stat -f -c %t -- "$1" 2>/dev/null) in
    187|42494e4d|cafe4a11|27e0eb|63677270|62656570|64626720|1cd1|de5e81e4|65735543|19800202|\
6e736673|9fa0|6165676c|67596969|73636673|f97cff8c|62656572|74726163) return 0 ;;
    esac
    return 1
}
"""

# The arguments are a folder, a name in it (``.`` for its content), and ``/`` if the name must be
# that of a folder, or of a link to one, which is followed. The kernel's file systems below are left
# out, each named as tar does it.
PACK_SCRIPT = f"""{_PSEUDO}
folder=$1 name=$2 slash=$3
export LC_ALL=C
case $folder in /) path=/$name ;; *) path=$folder/$name ;; esac
looked=$path
if [ -L "$path" ] && [ -z "$slash" ]; then looked=$folder; fi
if is_pseudo "$looked"; then exit {PSEUDO}; fi
if [ -d "$looked" ] && [ "$(cd -P -- "$looked" && pwd -P)" = /dev ]; then exit {PSEUDO}; fi
if [ -b "$looked" ] || [ -c "$looked" ]; then exit {PSEUDO}; fi
if [ -n "$slash" ] && [ -e "$path" ] && [ ! -d "$path" ]; then exit {NOT_A_FOLDER}; fi
if [ -n "$slash" ] && [ -L "$path" ]; then folder=$path name=.; fi
set -- -C "$folder" -- "$name"
if [ "$looked" = "$path" ] && [ -d "$path" ] && [ -r /proc/mounts ]; then
    real=$(cd -P -- "$path" && pwd -P)
    while read -r _ mount type _; do
        case $type in {"|".join(PSEUDO_TYPES)}) ;; *) continue ;; esac
        case $mount in "${{real%/}}"/?*) ;; *) continue ;; esac
        below=$name/${{mount#"${{real%/}}"/}}
        set -- "--exclude=$below" "$@"
        printf 'tar: %s: file system of the kernel ignored\\n' "$below" >&2
    done </proc/mounts
fi
exec tar -c -f - "$@"
"""

UNPACK_SCRIPT = f"""{_PSEUDO}
if is_pseudo "$1"; then exit {PSEUDO}; fi
exec tar -x -f - --no-same-owner -C "$1"
"""
