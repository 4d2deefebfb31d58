import { describe, expect, it } from 'vitest';
import { defaultConfig } from '../../../src/daemon/config/config.js';
import { resolveSettings } from '../../../src/daemon/config/settings.js';

const linux = { android: false, root: true, dataSystem: false };
const android = { android: true, root: true, dataSystem: true };

describe('settings', () => {
  it('"auto" on Linux', () => {
    expect(resolveSettings(defaultConfig(), linux)).toEqual({
      sockets: ['android:debuggerd', 'android:debuggerd32'],
      tombstoneDir: '/var/lib/debuggerd/tombstones',
      tombstoneOwner: null,
      engraverUser: { uid: 65525, gid: 65525 },
      activityManager: null,
      systemUid: null,
    });
  });

  it('"auto" on Android', () => {
    expect(resolveSettings(defaultConfig(), android)).toEqual({
      sockets: ['android:debuggerd', 'android:debuggerd32'],
      tombstoneDir: '/data/tombstones',
      tombstoneOwner: { uid: 1000, gid: 1000 },
      engraverUser: { uid: 65525, gid: 65525 },
      activityManager: '/data/system/ndebugsocket',
      systemUid: 1000,
    });
  });

  it('gives nothing to another user without root', () => {
    const owner = { uid: 5, gid: 6 };
    const config = { ...defaultConfig(), tombstone_owner: owner, engraver_user: owner };
    expect(resolveSettings(config, linux)).toMatchObject({ tombstoneOwner: owner, engraverUser: owner });
    expect(resolveSettings(config, { ...linux, root: false })).toMatchObject({
      tombstoneOwner: null,
      engraverUser: null,
    });
  });

  it('what is configured wins', () => {
    const config = {
      ...defaultConfig(),
      socket32: 'none',
      tombstone_dir: '/t',
      activity_manager: 'none',
      system_uid: -1,
    };
    expect(resolveSettings(config, android)).toMatchObject({
      sockets: ['android:debuggerd'],
      tombstoneDir: '/t',
      activityManager: null,
      systemUid: null,
    });
    expect(resolveSettings({ ...config, activity_manager: '/am' }, linux).activityManager).toBe('/am');
    expect(resolveSettings({ ...config, system_uid: 1000 }, linux).systemUid).toBe(1000);
  });
});
