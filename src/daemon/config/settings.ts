/** What the configuration's "auto" means on this machine. */
import { existsSync } from 'node:fs';
import { isAndroid } from '../../platform/system-info.js';
import { ACTIVITY_MANAGER_SOCKET } from '../../wire/activity-manager.js';
import type { DaemonConfig } from './config.js';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export interface Settings {
  /** Where clients come: the socket of all, and the one that Android's 32-bit processes know on a 64-bit machine. */
  readonly sockets: readonly string[];
  readonly tombstoneDir: string;
  /** Null: the daemon's own user. */
  readonly tombstoneOwner: Owner | null;
  /** Null: the daemon's own user, which is not root then. */
  readonly engraverUser: Owner | null;
  /** Null: none is told. */
  readonly activityManager: string | null;
  /** Null: none but root. */
  readonly systemUid: number | null;
}

export interface MachineTraits {
  readonly android: boolean;
  readonly root: boolean;
  /** /data/system exists. */
  readonly dataSystem: boolean;
}

const ANDROID_DIR = '/data/tombstones';
const LINUX_DIR = '/var/lib/debuggerd/tombstones';
/** AID_SYSTEM (android_filesystem_config.h). */
const ANDROID_OWNER: Owner = { uid: 1000, gid: 1000 };
/**
 * A user of the engraver's own. Not 65534, "nobody", which many daemons run as: whoever shares the user may look into
 * the engraver while it starts, and signal it always. 65520 to 65533 are unused in systemd's table of users
 * (UIDS-GIDS), reserved in Debian's policy (9.2.2), none of Android's (android_filesystem_config.h), and inside the
 * 65536 ids that a container has.
 */
export const ENGRAVER_USER: Owner = { uid: 65525, gid: 65525 };

export function readMachineTraits(): MachineTraits {
  return { android: isAndroid(), root: process.getuid?.() === 0, dataSystem: existsSync('/data/system') };
}

export function resolveSettings(config: DaemonConfig, { android, root, dataSystem }: MachineTraits): Settings {
  const owner = config.tombstone_owner === 'auto' ? (android ? ANDROID_OWNER : null) : config.tombstone_owner;
  const engraver = config.engraver_user === 'auto' ? ENGRAVER_USER : config.engraver_user;
  const manager =
    config.activity_manager === 'auto' ? (dataSystem ? ACTIVITY_MANAGER_SOCKET : 'none') : config.activity_manager;
  const socket32 = config.socket32 === 'auto' ? `${config.socket}32` : config.socket32;
  // Elsewhere there is no such user: 1000 is a person there.
  const systemUid = config.system_uid === 'auto' ? (android ? ANDROID_OWNER.uid : -1) : config.system_uid;
  return {
    sockets: socket32 === 'none' ? [config.socket] : [config.socket, socket32],
    tombstoneDir: config.tombstone_dir === 'auto' ? (android ? ANDROID_DIR : LINUX_DIR) : config.tombstone_dir,
    // Only root can give a file or a process to somebody else.
    tombstoneOwner: root ? owner : null,
    engraverUser: root ? engraver : null,
    activityManager: manager === 'none' ? null : manager,
    systemUid: systemUid === -1 ? null : systemUid,
  };
}
