/** Returns the variable that sets a service's port: `ITERATE_SERVER_PORT` for `iterate-server`. */
export function portVariable(service: string): string {
  return `${service.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}_PORT`;
}

/** Returns the port that the environment sets for a service, or undefined for its default. */
export function changedPort(
  service: string,
  env: Readonly<Record<string, string | undefined>>,
): number | undefined {
  const port = Number(env[portVariable(service)]?.trim() || Number.NaN);
  return Number.isInteger(port) && port > 0 && port < 65536 ? port : undefined;
}
