/**
 * Runs a script against a handful of replicas and writes down all they do. A script is text: lines that begin with `#`
 * are for the reader, `> ` begins a command, indented lines are what the command printed. Commands:
 *
 *     nodes voters=1,2,3 learners=4 ...   makes replicas that share a beginning at index 1, term 1 (options below)
 *     node 4                              makes an empty replica that no configuration knows yet
 *     log 1 4,4,5 [term=7]                before anything else: replica 1 has entries of these terms from index 2 on
 *     random 2 1                          replica 2 draws 1 for its next election timeouts: it waits one tick longer
 *     campaign 1 | tick 1 [times] | propose 1 text | read 1 context | transfer 1 2 | forget 1 | compact 1 5
 *     conf 1 +4 ~5 -1 [implicit|explicit]     proposes voters, learners, removals; `conf 1 leave` leaves
 *     unreachable 1 2 | snapshot-result 1 2 ok|failed
 *     ready 1                             takes one Ready and does what it says; storage answers at once, unless
 *     async 1                             from now on `written 1` answers for the oldest write of replica 1
 *     deliver 2 [from=1] [type=append]    steps waiting messages; `drop` forgets them
 *     settle [quietly] [1,2]              ready and deliver, in turn, until (these) replicas have nothing left to do
 *     crash 1 | restart 1                 loses what was not written
 *     status 1 | entries 1 | pending
 */
import { assert } from '../base/assert.ts';
import { decodeConfChange } from './conf-change.ts';
import type { RaftConfig } from './config.ts';
import { ProgressState } from './progress.ts';
import { Raft } from './raft.ts';
import type { Ready } from './ready.ts';
import {
  type ConfChange,
  ConfChangeType,
  type ConfState,
  type Entry,
  EntryType,
  type HardState,
  type Message,
  MessageType,
  type ReplicaId,
  type SnapshotMeta,
} from './types.ts';

const roles = ['follower', 'preCandidate', 'candidate', 'leader'] as const;
const nobody: ConfState = { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };

class ScriptNode {
  readonly id: ReplicaId;
  config: RaftConfig;
  raft: Raft;
  isAsync = false;
  random = 0;
  writes: Ready[] = [];
  inbox: Message[] = [];
  hardState: HardState;
  snapshot: SnapshotMeta;
  entries: Entry[];
  applied: number;
  confState: ConfState;

  constructor(id: ReplicaId, options: Partial<RaftConfig>, snapshot: SnapshotMeta, entries: Entry[]) {
    this.id = id;
    const last = entries[entries.length - 1];
    this.hardState = { term: last?.term ?? snapshot.term, vote: 0, commit: snapshot.index };
    this.snapshot = snapshot;
    this.entries = entries;
    this.applied = snapshot.index;
    this.confState = snapshot.confState;
    this.config = {
      id,
      electionTicks: 3,
      heartbeatTicks: 1,
      checkQuorum: false,
      preVote: false,
      support: null,
      random: () => this.random,
      maxMessageBytes: 1000,
      maxInflightMessages: 16,
      maxInflightBytes: 10_000,
      maxCommittedBytesPerReady: 10_000,
      maxUncommittedBytes: 10_000,
      hardState: this.hardState,
      snapshot,
      entries,
      applied: snapshot.index,
      ...options,
    };
    this.raft = new Raft(this.config);
  }

  restart(): void {
    this.writes = [];
    this.config = {
      ...this.config,
      hardState: this.hardState,
      snapshot: { ...this.snapshot, confState: this.confState },
      entries: this.entries.slice(),
      applied: this.applied,
    };
    this.raft = new Raft(this.config);
  }

  persist(ready: Ready): void {
    if (ready.snapshot !== null) {
      this.snapshot = ready.snapshot;
      this.entries = [];
    }
    const first = ready.entries[0];
    if (first !== undefined) {
      this.entries.length = first.index - this.snapshot.index - 1;
      this.entries.push(...ready.entries);
    }
    if (ready.hardState !== null) this.hardState = ready.hardState;
  }
}

export class Interaction {
  readonly #nodes = new Map<ReplicaId, ScriptNode>();
  #out: string[] = [];

  /** Returns the script with what its commands print now. */
  run(script: string): string {
    const result: string[] = [];
    for (const line of script.split('\n')) {
      if (line.startsWith('  ')) continue;
      result.push(line);
      if (!line.startsWith('> ')) continue;
      this.#out = [];
      this.#command(line.slice(2).trim().split(/\s+/));
      for (const printed of this.#out) result.push(`  ${printed}`);
    }
    return result.join('\n');
  }

  #command(words: string[]): void {
    const [name = '', first = '', ...rest] = words;
    if (name === 'nodes') this.#makeNodes(words.slice(1));
    else if (name === 'node') this.#makeNode(Number(first), {}, { index: 0, term: 0, confState: nobody }, []);
    else if (name === 'settle') this.#settle(words.slice(1));
    else if (name === 'pending') this.#pending();
    else this.#nodeCommand(name, this.#node(Number(first)), rest);
  }

  #nodeCommand(name: string, node: ScriptNode, words: string[]): void {
    const { raft } = node;
    const [word = ''] = words;
    const say = (result: boolean): void => void this.#out.push(result ? 'ok' : 'refused');
    switch (name) {
      case 'log':
        this.#setLog(node, words);
        break;
      case 'random':
        node.random = Number(word);
        break;
      case 'async':
        node.isAsync = true;
        break;
      case 'campaign':
        say(raft.campaign());
        break;
      case 'tick':
        for (let i = 0; i < Number(word === '' ? 1 : word); i++) raft.tick();
        this.#out.push(summary(raft));
        break;
      case 'propose':
        this.#out.push(`result ${raft.propose(new TextEncoder().encode(word))}`);
        break;
      case 'conf':
        this.#out.push(`result ${raft.proposeConfChange(parseConfChange(words))}`);
        break;
      case 'read':
        say(raft.readIndex(Number(word)));
        break;
      case 'transfer':
        say(raft.transferLeader(Number(word)));
        break;
      case 'forget':
        say(raft.forgetLeader());
        break;
      case 'compact':
        raft.compact(Number(word));
        this.#out.push(`first index ${raft.firstIndex}`);
        break;
      case 'unreachable':
        raft.reportUnreachable(Number(word));
        break;
      case 'snapshot-result':
        raft.reportSnapshot(Number(word), words[1] === 'ok');
        break;
      case 'ready':
        this.#ready(node);
        break;
      case 'written':
        this.#written(node);
        break;
      case 'deliver':
      case 'drop':
        this.#take(node, words, name === 'drop');
        break;
      case 'crash':
        node.inbox = [];
        node.writes = [];
        break;
      case 'restart':
        node.restart();
        this.#out.push(summary(node.raft));
        break;
      case 'status':
        this.#status(node);
        break;
      case 'entries':
        this.#out.push(node.entries.map(entryText).join(' '));
        break;
      default:
        throw new Error(`unknown command ${name}`);
    }
  }

  #makeNodes(words: string[]): void {
    const options: Record<string, number | boolean> = {};
    const conf = { ...nobody, voters: [] as number[], learners: [] as number[] };
    for (const word of words) {
      const [key = '', value = ''] = word.split('=');
      if (key === 'voters') conf.voters = value.split(',').map(Number);
      else if (key === 'learners') conf.learners = value.split(',').map(Number);
      else options[key] = value === '' ? true : Number(value);
    }
    for (const id of [...conf.voters, ...conf.learners]) {
      this.#makeNode(id, options as Partial<RaftConfig>, { index: 1, term: 1, confState: conf }, []);
    }
  }

  #makeNode(id: ReplicaId, options: Partial<RaftConfig>, snapshot: SnapshotMeta, entries: Entry[]): void {
    this.#nodes.set(id, new ScriptNode(id, options, snapshot, entries));
  }

  #setLog(node: ScriptNode, [terms = '', term = '']: string[]): void {
    const data = new Uint8Array(0);
    const list = terms.split(',').map(Number);
    node.entries = list.map((entryTerm, i) => ({ term: entryTerm, index: i + 2, type: EntryType.normal, data }));
    node.hardState = { ...node.hardState, term: term === '' ? Math.max(...list) : Number(term.slice('term='.length)) };
    node.restart();
  }

  #settle(words: string[]): void {
    const before = this.#out;
    const quietly = words.includes('quietly');
    if (quietly) this.#out = [];
    const only = words
      .find((word) => /^\d/.test(word))
      ?.split(',')
      .map(Number);
    const nodes = [...this.#nodes.values()].filter((node) => only === undefined || only.includes(node.id));
    for (let busy = true; busy; ) {
      busy = false;
      for (const node of nodes) {
        while (node.raft.hasReady()) {
          this.#ready(node);
          busy = true;
        }
      }
      for (const node of nodes) {
        if (node.writes.length > 0) {
          this.#written(node);
          busy = true;
        }
        if (node.inbox.length > 0) {
          this.#take(node, [], false);
          busy = true;
        }
      }
    }
    if (quietly) this.#out = [...before, ...nodes.map((node) => `${node.id}: ${summary(node.raft)}`)];
  }

  #ready(node: ScriptNode): void {
    const { raft } = node;
    if (!raft.hasReady()) {
      this.#out.push(`${node.id} has nothing to do`);
      return;
    }
    const ready = raft.ready();
    this.#out.push(`${node.id} ready${readyText(ready)}`);
    for (const message of ready.messages) this.#post('send', message);
    if (ready.mustSync || ready.hardState !== null) node.writes.push(ready);
    for (const entry of ready.committedEntries) {
      if (entry.type !== EntryType.confChange) continue;
      node.confState = raft.applyConfChange(decodeConfChange(entry.data));
      this.#out.push(`  members ${confText(node.confState)}`);
    }
    const last = ready.committedEntries[ready.committedEntries.length - 1];
    if (last !== undefined) {
      raft.appliedTo(last.index);
      node.applied = last.index;
    }
    if (!node.isAsync) while (node.writes.length > 0) this.#written(node, false);
  }

  #written(node: ScriptNode, announce = true): void {
    const ready = node.writes.shift();
    assert(ready !== undefined, 'test: something is being written');
    node.persist(ready);
    if (!ready.mustSync) return;
    if (announce) this.#out.push(`${node.id} written ${ready.ticket.sequence}`);
    for (const message of ready.messagesAfterAppend) this.#post('after', message);
    node.raft.appended(ready.ticket);
  }

  #post(how: string, message: Message): void {
    this.#out.push(`  ${how} ${messageText(message)}`);
    this.#nodes.get(message.to)?.inbox.push(message);
  }

  #take(node: ScriptNode, words: string[], drop: boolean): void {
    const option = (key: string): string | undefined => words.find((word) => word.startsWith(`${key}=`))?.split('=')[1];
    const from = option('from');
    const type = option('type');
    const matches = (message: Message): boolean =>
      (from === undefined || message.from === Number(from)) && (type === undefined || typeName(message) === type);
    const taken = node.inbox.filter(matches);
    node.inbox = node.inbox.filter((message) => !matches(message));
    for (const message of taken) {
      this.#out.push(`${drop ? 'dropped' : 'delivered'} ${messageText(message)}`);
      if (drop) continue;
      if (node.raft.wantsSnapshot(message) && message.snapshot !== null) {
        node.applied = message.snapshot.index;
        node.confState = message.snapshot.confState;
      }
      node.raft.step(message);
    }
  }

  #pending(): void {
    for (const node of this.#nodes.values()) for (const message of node.inbox) this.#out.push(messageText(message));
  }

  #status(node: ScriptNode): void {
    const status = node.raft.status();
    this.#out.push(
      `${summary(node.raft)}, last ${status.lastIndex} stable ${status.stableIndex}, members ${confText(status.confState)}`,
    );
    const states = Object.keys(ProgressState);
    for (const progress of status.progress) {
      const extra = [
        progress.isLearner ? ' learner' : '',
        progress.paused ? ' paused' : '',
        progress.pendingSnapshot > 0 ? ` snapshot=${progress.pendingSnapshot}` : '',
        progress.inflightMessages > 0 ? ` inflight=${progress.inflightMessages}` : '',
      ];
      this.#out.push(
        `${progress.id}: ${states[progress.state]} match=${progress.match} next=${progress.next}${extra.join('')}`,
      );
    }
  }

  #node(id: ReplicaId): ScriptNode {
    const node = this.#nodes.get(id);
    assert(node !== undefined, 'test: the script names a replica that it made');
    return node;
  }
}

function parseConfChange(words: string[]): ConfChange {
  if (words[0] === 'leave') return { transition: 'leaveJoint', changes: [] };
  const types: Record<string, ConfChangeType> = {
    '+': ConfChangeType.addVoter,
    '~': ConfChangeType.addLearner,
    '-': ConfChangeType.remove,
  };
  const changes = [];
  let transition: ConfChange['transition'] = 'auto';
  for (const word of words) {
    const type = types[word[0] ?? ''];
    if (type !== undefined) changes.push({ type, replica: Number(word.slice(1)) });
    else transition = word === 'explicit' ? 'jointExplicit' : 'jointImplicit';
  }
  return { transition, changes };
}

function summary(raft: Raft): string {
  const leader = raft.leader === 0 ? 'no leader' : `leader ${raft.leader}`;
  return `${roles[raft.role]}, term ${raft.term}, ${leader}, commit ${raft.commitIndex}`;
}

function readyText(ready: Ready): string {
  const { softState, hardState, snapshot } = ready;
  let text = '';
  if (softState !== null) text += `, ${roles[softState.role]} of ${softState.leader}`;
  if (hardState !== null) text += `, term ${hardState.term} vote ${hardState.vote} commit ${hardState.commit}`;
  if (ready.mustSync) text += ', sync';
  if (snapshot !== null) text += `, snapshot ${snapshot.index}@${snapshot.term}`;
  if (ready.entries.length > 0) text += `, append ${ready.entries.map(entryText).join(' ')}`;
  if (ready.committedEntries.length > 0) text += `, apply ${ready.committedEntries.map(entryText).join(' ')}`;
  for (const read of ready.readStates) text += `, read ${read.context} at ${read.index}`;
  return text;
}

function entryText(entry: Entry): string {
  const place = `${entry.index}@${entry.term}`;
  if (entry.type === EntryType.confChange) return `${place}(${changeText(decodeConfChange(entry.data))})`;
  return entry.data.length === 0 ? place : `${place}'${new TextDecoder().decode(entry.data)}'`;
}

function changeText(change: ConfChange): string {
  if (change.transition === 'leaveJoint') return 'leave';
  const signs = { [ConfChangeType.addVoter]: '+', [ConfChangeType.addLearner]: '~', [ConfChangeType.remove]: '-' };
  const parts = change.changes.map(({ type, replica }) => signs[type] + replica);
  if (change.transition !== 'auto') parts.push(change.transition === 'jointExplicit' ? 'explicit' : 'implicit');
  return parts.join(' ');
}

function confText(conf: ConfState): string {
  let text = `(${conf.voters})`;
  if (conf.votersOutgoing.length > 0) text += `&(${conf.votersOutgoing})`;
  if (conf.learners.length > 0) text += ` learners (${conf.learners})`;
  if (conf.learnersNext.length > 0) text += ` learners next (${conf.learnersNext})`;
  if (conf.autoLeave) text += ' auto-leave';
  return text;
}

function typeName(message: Message): string {
  for (const [name, value] of Object.entries(MessageType)) if (value === message.type) return name;
  return '?';
}

function messageText(message: Message): string {
  const { from, to, term, index, logTerm, commit, context } = message;
  let text = `${from}->${to} ${typeName(message)} term ${term}`;
  switch (message.type) {
    case MessageType.append:
      text += ` after ${index}@${logTerm} commit ${commit} [${message.entries.map(entryText).join(' ')}]`;
      break;
    case MessageType.appendResponse:
      text += message.reject ? ` rejects ${index} hint ${message.rejectHint}@${logTerm}` : ` has ${index}`;
      break;
    case MessageType.vote:
    case MessageType.preVote:
      text += ` last ${index}@${logTerm}${context === 1 ? ' transfer' : ''}`;
      break;
    case MessageType.voteResponse:
    case MessageType.preVoteResponse:
      text += message.reject ? ` no, commit ${commit}@${logTerm}` : ' yes';
      break;
    case MessageType.heartbeat:
      text += ` commit ${commit}${context > 0 ? ` round ${context}` : ''}`;
      break;
    case MessageType.heartbeatResponse:
      if (context > 0) text += ` round ${context}`;
      break;
    case MessageType.snapshot:
      if (message.snapshot !== null) {
        text += ` ${message.snapshot.index}@${message.snapshot.term} ${confText(message.snapshot.confState)}`;
      }
      break;
    case MessageType.readIndex:
      text += ` read ${context}`;
      break;
    case MessageType.readIndexResponse:
      text += ` read ${context} at ${index}`;
      break;
    default:
      break;
  }
  return text;
}
