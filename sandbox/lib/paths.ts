// Where things are. The defaults are the places in the image, which the Dockerfile creates and gives to
// the user; a machine that is no container has them elsewhere.

const { OS2_HOME, OS2_SCAN_DIRECTORY, OS2_LOG_DIRECTORY } = process.env;

/** The sandbox's own files. */
export const HOME = OS2_HOME || "/opt/os2";

/** The repository that was copied into the image; a machine may choose another place. */
export const BAKED_REPOSITORY = "/home/node/repo";

/** The services that every machine has. */
export const OWN_SERVICES = `${HOME}/services`;

/** What the build recorded about the image. */
export const RECORDED_TOOLS = `${HOME}/state/tools.json`;
export const RECORDED_FILES = `${HOME}/state/repository.json`;

/** What the supervisor runs: assembled anew at each start, so that no state of the last one is left. */
export const SCAN_DIRECTORY = OS2_SCAN_DIRECTORY || "/run/os2/services";

/** Each service's log is a folder in here; services name it like this wherever it is. */
export const USUAL_LOG_DIRECTORY = "/var/log";
export const LOG_DIRECTORY = OS2_LOG_DIRECTORY || USUAL_LOG_DIRECTORY;
