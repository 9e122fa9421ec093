/** Configuration: settings tables, and how flags and environment are read into typed settings. */
export { optionsHelp } from './config/help.ts';
export { type Changes, changesOf, LIVE, reloaded } from './config/live.ts';
export { DEFAULT_FILE, type OpenFile, openFile } from './config/open.ts';
export { type Problem, showProblems } from './config/problem.ts';
export { type Environment, type FileSource, type ReadSettings, readSettings } from './config/read.ts';
export { reference } from './config/reference.ts';
export type { Table } from './config/setting.ts';
export { SHIM_SETTINGS, type ShimSettings } from './config/shim.ts';
export { FILE_SETTINGS, START_SETTINGS, type StartSettings } from './config/start.ts';
export { STATUS_SETTINGS, type StatusSettings } from './config/status.ts';
export { TOKEN_SETTINGS, type TokenSettings } from './config/token.ts';
export { BACKUP_SETTINGS, type BackupSettings, WORKER_SETTINGS, type WorkerSettings } from './config/worker.ts';
