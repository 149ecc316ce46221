// Where things are in the image. The Dockerfile creates these places and gives them to the user.

/** The sandbox's own files. */
export const HOME = "/opt/os2";

/** The repository that was copied into the image; a machine may choose another place. */
export const BAKED_REPOSITORY = "/home/node/repo";

/** The services that every machine has. */
export const OWN_SERVICES = `${HOME}/services`;

/** What the build recorded about the image. */
export const RECORDED_TOOLS = `${HOME}/state/tools.json`;
export const RECORDED_FILES = `${HOME}/state/repository.json`;

/** What the supervisor runs: assembled anew at each start, so that no state of the last one is left. */
export const SCAN_DIRECTORY = "/run/os2/services";

/** Each service's log is a folder in here. */
export const LOG_DIRECTORY = "/var/log";
