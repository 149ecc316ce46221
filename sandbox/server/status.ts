// The output of `s6-svstat` for a service, as a state.

/** The fields in the order that `parseStatus` expects. */
export const STATUS_FIELDS = "up,wantedup,ready,pid,updownfor,exitcode,signal";

/**
 * - ready: it runs and has notified, or need not notify, readiness
 * - starting: it runs and has not notified yet
 * - restarting: it has ended and will be restarted
 * - down: it does not run and is not meant to
 */
export type State = "ready" | "starting" | "restarting" | "down";

export interface Status {
  readonly state: State;
  readonly pid: number | null;
  /** Seconds since it was started, or since it ended. */
  readonly seconds: number | null;
  /** How it ended, while it doesn't run. */
  readonly ended: string | null;
}

const UNKNOWN: Status = { state: "down", pid: null, seconds: null, ended: null };

/** Without output, the service has no supervisor. */
export function parseStatus(output: string | undefined, tellsReadiness: boolean): Status {
  const fields = output?.trim().split(/\s+/) ?? [];
  if (fields.length !== STATUS_FIELDS.split(",").length) return UNKNOWN;
  const [up, wantedUp, ready, pid, seconds, exitCode, signal] = fields;
  const isUp = up === "true";
  return {
    state: stateOf(isUp, wantedUp === "true", ready === "true" || !tellsReadiness),
    pid: isUp ? Number(pid) : null,
    seconds: Number(seconds),
    ended: isUp ? null : endOf(exitCode, signal),
  };
}

function stateOf(isUp: boolean, isWantedUp: boolean, isReady: boolean): State {
  if (isUp) return isReady ? "ready" : "starting";
  return isWantedUp ? "restarting" : "down";
}

function endOf(exitCode: string | undefined, signal: string | undefined): string | null {
  if (signal?.startsWith("SIG")) return signal;
  return Number(exitCode) >= 0 ? `exit code ${exitCode}` : null;
}
