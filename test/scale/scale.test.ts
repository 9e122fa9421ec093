import { describe, expect, it } from 'vitest';
import { chart } from './chart.ts';
import { playDeployment } from './deployment.ts';
import { compareWithBench, dayOf } from './figures.ts';
import { BUSY_HOUR, callsOf } from './habits.ts';
import { boardsFor, layout } from './layout.ts';

const SITE_USERS = 40;
/** Small deployments with sites of 40 users, all in the busy hour alone but for the large domain's. */
const small = (sites: number) => {
  const made = layout({ users: sites * SITE_USERS, changesAUser: 0.001, siteUsers: SITE_USERS });
  return { ...made, sites: made.sites.map((site) => ({ ...site, wholeDay: site.kind === 'large' })) };
};

describe('Offhook at scale, simulated', () => {
  it('writes for a call what the bench has counted, within a tenth', () => {
    for (const { what, counted, simulated } of compareWithBench()) {
      expect(Math.abs(simulated / counted - 1), `${what}: ${simulated}, counted ${counted}`).toBeLessThan(0.1);
    }
  });

  it('ends with every user idle, nothing waiting, no update refused and every site in touch; and the same seed plays the same', () => {
    const [one, other] = [playDeployment(small(6), 7), playDeployment(small(6), 7)];
    expect(one.wrong).toEqual([]);
    expect(dayOf(one)).toEqual(dayOf(other));
    expect(one.peaks).toEqual(other.peaks);
  });

  it('counts as many updates at the users as the boards are told changes, and no board row without an update', () => {
    const { day } = playDeployment(small(6), 3).kinds.get('large') as { day: Record<string, number> };
    expect(day.updates).toBeGreaterThan(500);
    // What ends by an alarm is a change without an update.
    expect(day.changes as number).toBeGreaterThanOrEqual((day.updates as number) * 0.98);
    // The webhook's confirmations are rows of the boards too.
    const told = (day['board rows written'] as number) - (day['hook requests'] as number);
    expect(told).toBeLessThanOrEqual((day.changes as number) * 1.01);
    expect(day['user rows written']).toBeGreaterThan((day.updates as number) * 1.5);
  });

  it('has alarms go off: once and again for each call of a user, and for each lease of a site', () => {
    const { day } = playDeployment(small(6), 3).kinds.get('large') as { day: Record<string, number> };
    expect(day['user alarms fired'] as number).toBeGreaterThan(day.calls as number);
    expect(day['user alarms set'] as number).toBeGreaterThan(2 * (day.calls as number));
    // The lease is of 30 s, and is renewed every 10 s: the alarm comes when the renewals have moved its end by 20 to 30 s.
    expect(day['site alarms set'] as number).toBeGreaterThan(86_400 / 31);
    expect(day['site alarms set'] as number).toBeLessThan(86_400 / 19);
  });

  it('costs a user the same, whatever the number of users', () => {
    const [few, many] = [playDeployment(small(10), 1), playDeployment(small(30), 1)];
    for (const name of ['user rows written', 'board rows written', 'board requests', 'worker requests', 'site alarms set']) {
      const of = (played: typeof few) => {
        const { users, day } = played.kinds.get('large') as { users: number; day: Record<string, number> };
        return (day[name] as number) / users;
      };
      expect(of(many) / of(few), name).toBeLessThan(1.1);
      expect(of(many) / of(few), name).toBeGreaterThan(0.9);
    }
  });
});

describe('Offhook boards: how many a domain has', () => {
  it.each([
    [1_000, 1, 4],
    [20_000, 20, 4],
    [100_000, 75, 20],
    [100_000, 2_500, 25],
    [1_000_000, 700, 64],
  ])('%i users with %i changes a second of one domain have %i boards', (users, changes, boards) => {
    expect(boardsFor(users, changes)).toBe(boards);
  });
});

describe('Offhook at scale: the day that is played', () => {
  it('has four calls a user, a sixth of them in the busy hour', () => {
    const chance = () => 0.37;
    const all = callsOf(500, 0, 24 * 3_600_000, chance);
    const busy = callsOf(500, BUSY_HOUR * 3_600_000, (BUSY_HOUR + 1) * 3_600_000, chance);
    // Those within the site are of two users each.
    expect(all.length).toBeGreaterThan(1480);
    expect(all.length).toBeLessThan(1520);
    expect(busy.length / all.length).toBeCloseTo(1 / 6, 2);
  });
});

describe('Offhook at scale: the picture', () => {
  it('shows each value at its height, and says what it shows', () => {
    const svg = chart([
      { title: 'a < b', values: [0, 100, 200], limit: { at: 200, text: 'most' } },
      { title: 'bars', bars: [{ name: 'x', value: 5 }] },
    ]);
    expect(svg).toContain('a &lt; b');
    expect(svg).toContain('points="60.0,174.0 450.0,104.0 840.0,34.0"');
    expect(svg).toContain('>5</text>');
  });
});
