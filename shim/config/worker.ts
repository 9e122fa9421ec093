import type { Values } from './setting.ts';
import { START_SETTINGS } from './start.ts';

const { config, httpHost, httpPort, secret, secretPrevious, workerVars, stateDir, logLevel, logFormat, logRedact } =
  START_SETTINGS;

/** `offhook worker`: where the Worker alone listens, and what it keeps where. */
export const WORKER_SETTINGS = {
  config,
  httpHost,
  httpPort,
  secret,
  secretPrevious,
  workerVars,
  stateDir,
  logLevel,
  logFormat,
  logRedact,
} as const;

/** What `offhook worker` runs by. */
export type WorkerSettings = Values<typeof WORKER_SETTINGS>;

/** `offhook backup` and `offhook restore`: whose store. */
export const BACKUP_SETTINGS = { config, stateDir } as const;

export type BackupSettings = Values<typeof BACKUP_SETTINGS>;
