import type { Asked, Asker } from './asking.ts';
import { type Scene, SITE } from './scene.ts';

/** A request, and what comes of it: a status, or a kind of problem. */
export type Case = readonly [expected: number | string, asked: (scene: Scene) => Asked];

/** What is asked of an operation: well, and badly. */
export interface Exercise {
  readonly good: readonly Case[];
  /** At least one; what spoils several operations (a token, a user, a body) is asked of each anyhow. */
  readonly bad: readonly Case[];
  /** What is to be looked at besides. */
  readonly more?: (asker: Asker, scene: Scene) => Promise<unknown>;
}

const user = ({ user: name }: Scene) => ({ path: { user: name } });
const nobody = ({ domain }: Scene) => ({ path: { user: `nobody@${domain}` } });
const noUser = () => ({ path: { user: 'nonsense' } });
const webhook = ({ webhook: id }: Scene) => ({ path: { id } });
const noWebhook = () => ({ path: { id: 'whk_nothing' } });
const site = (body: object) => () => ({ path: { site: SITE }, body: { version: 1, epoch: 1, ...body } });
const otherMethod: Case = ['method-not-allowed', () => ({ method: 'POST' })];
const bare = () => ({});
const html = () => ({ headers: { accept: 'text/html' } });

/** RFC 6455 4.1. */
const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

/** Every operation, by its id. */
export const EXERCISES: Readonly<Record<string, Exercise>> = {
  getPresence: {
    good: [
      [200, user],
      [200, (s) => ({ ...user(s), query: `at=${new Date().toISOString()}` })],
      [200, (s) => ({ ...user(s), headers: { accept: 'application/pidf+xml' } })],
      [304, (s) => ({ ...user(s), headers: { 'if-none-match': '*' } })],
    ],
    bad: [
      ['user-never-seen', nobody],
      ['bad-parameter', (s) => ({ ...user(s), query: 'at=noon' })],
      ['user-not-seen-yet', (s) => ({ ...user(s), query: 'at=2001-01-01T00:00:00Z' })],
      ['not-acceptable', (s) => ({ ...user(s), headers: { accept: 'text/css' } })],
    ],
  },
  deletePresence: { good: [[204, ({ gone }) => ({ path: { user: gone } })]], bad: [['bad-user', noUser]] },
  getHistory: {
    good: [
      [200, (s) => ({ ...user(s), query: 'limit=1' })],
      [304, (s) => ({ ...user(s), headers: { 'if-none-match': '*' } })],
    ],
    bad: [
      ['bad-parameter', (s) => ({ ...user(s), query: 'limit=0' })],
      ['user-never-seen', nobody],
    ],
  },
  getWhy: { good: [[200, user]], bad: [['user-never-seen', nobody]] },
  putOverride: {
    good: [[200, (s) => ({ ...user(s), body: { activity: 'away', note: 'lunch', expiresIn: 60 } })]],
    bad: [
      ['invalid-body', (s) => ({ ...user(s), body: { activity: 'asleep' } })],
      ['bad-request', (s) => ({ ...user(s), body: { activity: 'away' }, headers: { 'if-match': 'x' } })],
      ['precondition-failed', (s) => ({ ...user(s), body: { activity: 'away' }, headers: { 'if-match': '"0"' } })],
    ],
  },
  getOverrides: { good: [[200, user]], bad: [['user-never-seen', nobody]] },
  deleteOverride: {
    good: [[204, user]],
    bad: [
      ['bad-parameter', (s) => ({ ...user(s), query: 'by=person&application=x' })],
      ['bad-request', (s) => ({ ...user(s), headers: { 'if-match': 'x' } })],
      ['precondition-failed', (s) => ({ ...user(s), headers: { 'if-match': '"0"' } })],
    ],
  },
  queryPresence: {
    good: [[200, (s) => ({ body: { users: [s.user, `nobody@${s.domain}`, 'nonsense'] } })]],
    bad: [['invalid-body', () => ({ body: { users: 'alice' } })]],
  },
  listDomain: {
    good: [[200, ({ domain }) => ({ path: { domain }, query: 'limit=1&status=talking' })]],
    bad: [['bad-parameter', ({ domain }) => ({ path: { domain }, query: 'status=asleep' })]],
  },
  watch: {
    good: [[101, (s) => ({ query: `user=${s.user}`, headers: UPGRADE })]],
    bad: [
      ['websocket-needed', (s) => ({ query: `user=${s.user}` })],
      ['bad-parameter', (s) => ({ query: `user=${s.user}&since=x`, headers: UPGRADE })],
    ],
    more: (asker, { domain }) => asker.firstMessage('watch', { query: `domain=${domain}` }),
  },
  events: {
    good: [[200, (s) => ({ query: `user=${s.user}` })]],
    bad: [
      ['bad-parameter', (s) => ({ query: `user=${s.user}&domain=${s.domain}` })],
      ['bad-parameter', (s) => ({ query: `domain=${s.domain}&domain=other.example` })],
    ],
    more: async (asker, { domain }) => {
      const { text } = await asker.ask('events', { query: `domain=${domain}` });
      return asker.frame('events', /^data: (.*)$/m.exec(text)?.[1] ?? text);
    },
  },
  postWatch: {
    good: [
      [200, (s) => ({ ...user(s), body: { until: ['talking', 'held'], wait: 5 } })],
      [201, (s) => ({ ...user(s), body: { until: 'dnd', callback: s.receiver }, scopes: ['read', 'write'] })],
    ],
    bad: [
      ['invalid-body', (s) => ({ ...user(s), body: { until: 'available' } })],
      ['missing-scope', (s) => ({ ...user(s), body: { until: 'dnd', callback: s.receiver } })],
    ],
  },
  getWatch: { good: [[200, ({ watch }) => ({ path: { user: watch } })]], bad: [['no-such-watch', noUser]] },
  deleteWatch: { good: [[204, ({ watchGone }) => ({ path: { user: watchGone } })]], bad: [['no-such-watch', noUser]] },
  createWebhook: {
    good: [[201, ({ receiver: url, domain }) => ({ body: { url, domain, statuses: ['dnd'] }, scopes: ['read', 'write'] })]],
    bad: [
      ['missing-scope', ({ receiver: url, domain }) => ({ body: { url, domain } })],
      ['invalid-body', () => ({ body: {}, scopes: ['read', 'write'] })],
      ['address-not-allowed', ({ domain }) => ({ body: { url: 'ftp://a.example/', domain }, scopes: ['read', 'write'] })],
    ],
  },
  listWebhooks: {
    good: [[200, ({ domain }) => ({ query: `domain=${domain}` })]],
    bad: [['bad-parameter', bare]],
  },
  getWebhook: { good: [[200, webhook]], bad: [['no-such-webhook', noWebhook]] },
  testWebhook: {
    good: [[200, webhook]],
    bad: [['no-such-webhook', noWebhook]],
    more: async (asker, scene) => {
      const { text } = await asker.ask('testWebhook', webhook(scene));
      if (!text.includes('"delivered":true')) throw new Error(`the test event was not taken as declared: ${text}`);
      const slow = asker.ask('testWebhook', { path: { id: scene.webhookSlow } });
      await scene.slow.asked;
      const { kind } = await asker.ask('testWebhook', { path: { id: scene.webhookSlow } });
      scene.slow.answer();
      if (kind !== 'test-under-way' || (await slow).status !== 200) throw new Error(`two tests at once: ${kind}`);
    },
  },
  rotateSecret: {
    good: [
      [200, webhook],
      [200, (s) => ({ ...webhook(s), body: { keepFor: 60 } })],
    ],
    bad: [['invalid-body', (s) => ({ ...webhook(s), body: { keepFor: -1 } })]],
  },
  pauseWebhook: { good: [[200, webhook]], bad: [['no-such-webhook', noWebhook]] },
  resumeWebhook: { good: [[200, webhook]], bad: [['no-such-webhook', noWebhook]] },
  listDeadLetters: {
    good: [[200, webhook]],
    bad: [['bad-parameter', (s) => ({ ...webhook(s), query: 'limit=0' })]],
  },
  replayWebhook: {
    good: [[200, (s) => ({ ...webhook(s), body: { from: s.event } })]],
    bad: [
      ['no-such-event', (s) => ({ ...webhook(s), body: { from: 'msg_nothing' } })],
      ['invalid-body', (s) => ({ ...webhook(s), body: {} })],
    ],
  },
  deleteWebhook: { good: [[204, ({ webhookGone: id }) => ({ path: { id } })]], bad: [['no-such-webhook', noWebhook]] },
  postUpdates: {
    good: [[200, (s) => ({ body: { version: 1, site: SITE, sentAt: Date.now(), updates: [s.update(), {}] } })]],
    bad: [
      ['unknown-version', () => ({ body: { version: 2 } })],
      ['invalid-body', () => ({ body: { version: 1, site: 'a b', sentAt: 1, updates: [] } })],
      ['too-many-items', () => ({ body: { version: 1, site: SITE, sentAt: 1, updates: new Array(501).fill({}) } })],
    ],
  },
  postReconcile: {
    good: [
      [200, site({ from: 0, to: 1024, users: {} })],
      [200, site({ done: 1 })],
    ],
    bad: [
      ['bad-parameter', () => ({ path: { site: 'a b' }, body: {} })],
      ['unknown-version', () => ({ path: { site: SITE }, body: { version: 2 } })],
      ['invalid-body', site({ from: 1, to: 0, users: {} })],
    ],
  },
  postStop: {
    good: [[200, site({ states: 'stay' })]],
    bad: [
      ['bad-parameter', () => ({ path: { site: 'a b' }, body: {} })],
      ['invalid-body', site({ states: 'go' })],
    ],
  },
  getAudit: {
    good: [[200, (s) => ({ query: `limit=1&user=${s.user}` })]],
    bad: [['bad-parameter', () => ({ query: 'from=noon' })]],
  },
  postRelist: {
    good: [[200, ({ domain }) => ({ path: { domain }, body: { former: 8 } })]],
    bad: [
      ['bad-domain', () => ({ path: { domain: 'a b' }, body: { former: 8 } })],
      ['invalid-body', ({ domain }) => ({ path: { domain }, body: { former: 0 } })],
    ],
  },
  postRevocation: {
    good: [
      [201, () => ({ body: { jti: 'lost' } })],
      [201, () => ({ body: { subject: 'former', before: '2026-01-01T00:00:00Z' } })],
    ],
    bad: [['invalid-body', () => ({ body: {} })]],
  },
  getRevocations: { good: [[200, () => ({ query: 'limit=1' })]], bad: [['bad-parameter', () => ({ query: 'cursor=x' })]] },
  getMetrics: {
    good: [[200, ({ domain }) => ({ query: `domain=${domain}&domain=other.example` })]],
    bad: [['bad-domain', () => ({ query: 'domain=a%20b' })]],
  },
  getWallboard: { good: [[200, bare]], bad: [otherMethod] },
  listProblems: {
    good: [
      [200, bare],
      [200, html],
    ],
    bad: [otherMethod],
  },
  getProblem: {
    good: [
      [200, () => ({ path: { kind: '40402' } })],
      [200, () => ({ path: { kind: 'user-never-seen' }, ...html() })],
    ],
    bad: [['no-such-path', () => ({ path: { kind: 'nonsense' } })]],
  },
  getReference: { good: [[200, bare]], bad: [otherMethod] },
  getOpenapi: { good: [[200, bare]], bad: [otherMethod] },
  getHealth: { good: [[200, bare]], bad: [otherMethod] },
};
