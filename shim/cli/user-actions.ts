/** What `offhook user` does: the word after it. */
export const USER_ACTIONS = ['add', 'remove', 'list', 'lines'] as const;
export type UserAction = (typeof USER_ACTIONS)[number];
