/** The variable that moves a service to another port: `ITERATE_SERVER_PORT` for `iterate-server`. */
export function portVariable(service: string): string {
  return `${service.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}_PORT`;
}

/** The port that the environment gives to a service; undefined leaves it where it usually is. */
export function changedPort(
  service: string,
  env: Readonly<Record<string, string | undefined>>,
): number | undefined {
  const port = Number(env[portVariable(service)]?.trim() || Number.NaN);
  return Number.isInteger(port) && port > 0 && port < 65536 ? port : undefined;
}
