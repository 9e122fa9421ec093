import { PROTECTION_SETTINGS } from './protection.ts';
import type { Values } from './setting.ts';
import { SHIM_SETTINGS } from './shim.ts';

/** `offhook user`: where users are kept, and under which realm. */
export const USER_SETTINGS = { stateDir: SHIM_SETTINGS.stateDir, realm: PROTECTION_SETTINGS.realm } as const;

/** What `offhook user` runs by. */
export type UserSettings = Values<typeof USER_SETTINGS>;
