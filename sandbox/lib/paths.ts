// Paths. The defaults are those in the image, which the Dockerfile creates for the user; a machine that is
// not a container has others.

const { OS2_HOME, OS2_SCAN_DIRECTORY, OS2_LOG_DIRECTORY } = process.env;

/** The sandbox's own files. */
export const HOME = OS2_HOME || "/opt/os2";

/** The repository in the image; a machine may use another directory. */
export const BAKED_REPOSITORY = "/home/node/repo";

/** The services that every machine has. */
export const OWN_SERVICES = `${HOME}/services`;

/** What the build recorded about the image. */
export const RECORDED_TOOLS = `${HOME}/state/tools.json`;
export const RECORDED_FILES = `${HOME}/state/repository.json`;

/** The supervisor's scan directory, assembled at each start so that no state of the last one is left. */
export const SCAN_DIRECTORY = OS2_SCAN_DIRECTORY || "/run/os2/services";

/** Holds a log directory for each service; services use this path wherever it really is. */
export const USUAL_LOG_DIRECTORY = "/var/log";
export const LOG_DIRECTORY = OS2_LOG_DIRECTORY || USUAL_LOG_DIRECTORY;
