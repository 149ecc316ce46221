"""The shell script that ends what a program in a machine has in the foreground."""

# The foreground is the program and its descendants, without what one of them put in the background:
# `&` of a shell ignores SIGINT and SIGQUIT, setsid begins a session, a shell with a terminal begins
# a process group, and a daemon leaves its parent. Everything is stopped before it gets a signal, so
# that it starts nothing in the meantime. proc(5) has the fields of a process.
#
# `end_foreground` requires `members`, the processes to begin with, each after a space, `level_$pid`
# of each, `depth`, the level of the program, and `terminal`, its foreground's process group or -1.
END_FOREGROUND = r"""
scan() {
    pids=
    for folder in /proc/[0-9]*; do
        line=
        read -r line <"$folder/stat"
        set -- ${line##*) }
        [ "$#" -gt 30 ] && [ "$1" != Z ] || continue
        pid=${folder#/proc/}
        pids="$pids $pid"
        eval "process_$pid='$2 $3 $4 $((${31} >> 1 & 3)) $6'"
    done
}
extend() {
    scan
    size=
    while [ "$size" != "${#members}" ]; do
        size=${#members}
        for pid in $pids; do
            case "$members " in *" $pid "*) continue ;; esac
            eval "set -- \$process_$pid"
            case "$members " in *" $1 "*) ;; *) continue ;; esac
            eval "set -- \$process_$pid \$process_$1 \$((level_$1 + 1))"
            if [ "${11}" != "$depth" ]; then
                [ "$3" = "$8" ] && [ "$(($4 & ~$9))" = 0 ] || continue
                [ "$terminal" -lt 1 ] || [ "$2" = "$7" ] || [ "$2" = "$terminal" ] || continue
            fi
            members="$members $pid"
            eval "level_$pid=${11}"
        done
    done
}
stop() {
    before=
    while [ "$before" != "$members" ]; do
        before=$members
        extend
        kill -s STOP $members
    done
}
send() {
    kill -s "$1" $members
    kill -s CONT $members
}
is_left() {
    for pid in $members; do
        line=
        read -r line <"/proc/$pid/stat"
        case ${line##*) } in '' | Z*) ;; *) return 0 ;; esac
    done
    return 1
}
end_foreground() {
    for signal in INT TERM; do
        stop
        send "$signal"
        for _ in 1 2 3 4 5; do
            is_left || return 0
            sleep 0.1
            is_left || return 0
            [ "$signal" = TERM ] || sleep 0.1
        done
    done
    # A process that is killed later may restart one that was killed before.
    for _ in 1 2 3 4 5; do
        stop
        send KILL
        sleep 0.05
        is_left || return 0
    done
}
"""
