import type { CallReport, OverrideActivity, PresenceDocument } from '../../../worker/protocol/index.ts';
import type { CampaignSite } from './site.ts';

/** The one word of an override, as a person or an application (its name) said it. */
export interface Said {
  readonly activity: OverrideActivity;
  readonly since: number;
  readonly expires: number;
}

/** What people and applications said that still holds. `''` is the person. */
export class Sayings {
  readonly said = new Map<string, Said>();

  /** `changed` is false where it was taken for the same request, sent again. */
  set(who: string, activity: OverrideActivity, lifetime: number, now: number, changed: boolean): void {
    if (!changed) return;
    const before = this.at(now).get(who);
    this.said.set(who, { activity, since: before?.activity === activity ? before.since : now, expires: now + lifetime });
  }

  at(now: number): Map<string, Said> {
    return new Map([...this.said].filter(([, { expires }]) => expires > now));
  }

  /** The activity that counts at `now`. */
  effective(now: number): OverrideActivity | undefined {
    const live = this.at(now);
    const person = live.get('');
    if (person !== undefined) return person.activity;
    const activities = new Set([...live.values()].map(({ activity }) => activity));
    return (['dnd', 'busy', 'away', 'available'] as const).find((activity) => activities.has(activity));
  }
}

/** A presence document as it must be once every site has told all that it knows: composed anew, in the simplest way, from what is true. */
export function truth(sites: readonly CampaignSite[], sayings: Sayings, now: number) {
  const terminals = sites.flatMap((site) => [...site.terminals.keys()].map((contact) => `${site.name} ${contact}`));
  const calls = sites.flatMap((site) => [...site.calls.values()].map((call) => ({ ...call, site: site.name })));
  const callStatus = callStatusOf(calls);
  const override = sayings.effective(now);
  return {
    terminals: terminals.sort(),
    calls: calls.map(callText).sort(),
    callStatus,
    override,
    statusOf: (terminalStatus: PresenceDocument['terminalStatus']) => {
      const talking = calls.some(({ state, held }) => state === 'confirmed' && !held) ? 'talking' : 'held';
      const words: [boolean, string][] = [
        [override === 'dnd', 'dnd'],
        [terminalStatus === 'offline-waiting', 'offline-waiting'],
        [callStatus === 'talking', talking],
        [callStatus === 'ringing' || callStatus === 'calling', callStatus],
        [override === 'busy' || override === 'away', String(override)],
        [terminalStatus === 'online', 'available'],
      ];
      return words.find(([holds]) => holds)?.[1] ?? 'offline';
    },
  };
}

/** What a document says, in the same form. */
export function shown(document: PresenceDocument) {
  return {
    terminals: document.terminals.map(({ site, contact }) => `${site} ${contact}`).sort(),
    calls: document.calls.map(callText).sort(),
    callStatus: document.callStatus,
    override: document.override?.activity,
  };
}

function callText({ site, id, state, held }: Pick<CallReport, 'id' | 'state' | 'held'> & { site: string }): string {
  return `${site} ${id} ${state} ${held}`;
}

function callStatusOf(calls: readonly CallReport[]): string {
  const is = (state: string, direction?: string) =>
    calls.some((call) => call.state === state && (direction === undefined || call.direction === direction));
  if (is('confirmed')) return 'talking';
  if (is('early', 'incoming')) return 'ringing';
  if (is('early', 'outgoing')) return 'calling';
  return is('terminating') ? 'terminating' : 'idle';
}
