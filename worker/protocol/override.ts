/** What somebody may say in place of what is observed, the strongest first. `available` takes back what applications say, no more. */
export const OVERRIDE_ACTIVITIES = ['dnd', 'busy', 'away', 'available'] as const;

export type OverrideActivity = (typeof OVERRIDE_ACTIVITIES)[number];

/** Whose word it is: the person's own (one a user), or an application's (one for each application). */
export type OverrideSource =
  | { readonly by: 'person' }
  | {
      readonly by: 'application';
      readonly application: string;
    };

/** An override, as `/v1/presence/{user}/override` tells it. Times are RFC 3339, UTC. */
export type OverrideDocument = OverrideSource & {
  readonly activity: OverrideActivity;
  readonly note?: string;
  /** When this word was first said; a renewal leaves it. */
  readonly since: string;
  readonly expires: string;
  /** Of all that are set, the one that the presence document shows. */
  readonly effective: boolean;
};
