import { describe, expect, it } from 'vitest';
import { applyUpdate, compose, emptyRecord, type PresenceRecord, shown, timestamp } from '../../worker/presence/index.ts';
import type { PresenceDocument } from '../../worker/protocol/index.ts';
import { Stream, type Word, words } from './support/site.ts';

const T = 1_800_000_000_000;
const say = words(() => T);
const SINCE = timestamp(T + 60_000);

/** The document after each of these sites said its words. */
function told(...sites: readonly [site: string, ...words: Word[]][]) {
  let record: PresenceRecord = emptyRecord('sip:alice@example.com');
  for (const [site, ...said] of sites) {
    const stream = new Stream(record.user, () => T);
    for (const word of said) record = applyUpdate(record, site, stream.next(word), T).record;
  }
  return { document: compose(record) as PresenceDocument, reporters: record.sites.map(({ site }) => site) };
}

const lost =
  (...names: string[]) =>
  (site: string) =>
    names.includes(site) ? T + 60_000 : undefined;

describe('Offhook leases: what is shown while a site is out of touch', () => {
  it('leaves a document as it is, the same object, where no site of its is lost', () => {
    const { document, reporters } = told(['a', say.online()], ['b', say.talking('1')]);
    expect(shown(document, reporters, lost('c'))).toBe(document);
  });

  it('marks who has a terminal or a call from there, and leaves the status that was told last', () => {
    const { document, reporters } = told(['a', say.online()], ['b', say.talking('1')]);
    const expected = { status: 'talking', stale: true, staleSince: SINCE, since: document.since, version: document.version };
    expect(shown(document, reporters, lost('a'))).toMatchObject(expected);
    expect(shown(document, reporters, lost('b'))).toMatchObject(expected);
  });

  it('leaves alone who is live elsewhere, and only was there once', () => {
    const { document, reporters } = told(['a', say.online(), say.offline()], ['b', say.online()]);
    expect(shown(document, reporters, lost('a'))).toBe(document);
  });

  it('knows nothing of whom nothing is live, once every site that reported him is lost', () => {
    const { document, reporters } = told(['a', say.online(), say.offline()], ['b', say.online(), say.offline()]);
    expect(shown(document, reporters, lost('a'))).toBe(document);
    expect(shown(document, reporters, lost('a', 'b'))).toMatchObject({
      status: 'unknown',
      terminalStatus: 'offline',
      stale: true,
      staleSince: SINCE,
      since: SINCE,
    });
  });

  it('tells since when the first site of what is live was lost, and the last where nothing is', () => {
    const since = (site: string) => (site === 'a' ? T + 1000 : T + 2000);
    const live = told(['a', say.online()], ['b', say.online()]);
    expect(shown(live.document, live.reporters, since).staleSince).toBe(timestamp(T + 1000));
    const gone = told(['a', say.online(), say.offline()], ['b', say.online(), say.offline()]);
    expect(shown(gone.document, gone.reporters, since).staleSince).toBe(timestamp(T + 2000));
  });
});
