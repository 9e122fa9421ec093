/** Configuration: settings tables, and how flags and environment are read into typed settings. */
export { SHIM_SETTINGS, type ShimSettings } from './config/shim.ts';
