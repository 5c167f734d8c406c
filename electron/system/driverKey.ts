import { readdirSync, readFileSync, statSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';

/** What a test of a device depends on beside the runtime: the graphics drivers and the cards. Another key, another machine to test. */
export function driverKey(platform: NodeJS.Platform = process.platform, env: NodeJS.ProcessEnv = process.env): string {
  return [platform, process.arch, os.release(), ...driverMarks(platform, env)].join(' ');
}

function driverMarks(platform: NodeJS.Platform, env: NodeJS.ProcessEnv): string[] {
  switch (platform) {
    case 'linux':
      return [
        nvidiaDriverVersion() ?? 'no-nvidia',
        ...graphicsCards(),
        // An updated driver replaces its entry among the Vulkan drivers.
        ...['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d'].map(newest),
        env['VK_DRIVER_FILES'] ?? env['VK_ICD_FILENAMES'] ?? '',
      ];
    case 'win32':
      // Every driver that is installed gets a folder in here.
      return [newest(join(env['SystemRoot'] ?? 'C:\\Windows', 'System32', 'DriverStore', 'FileRepository'))];
    default:
      // The drivers come with the system.
      return [];
  }
}

/** e.g. `535.86.10`, from the file of the kernel module; null without one. */
export function nvidiaDriverVersion(file = '/proc/driver/nvidia/version'): string | null {
  return /^NVRM version:.*?\s(\d{3,}\.\d+(?:\.\d+)*)\s/m.exec(readText(file))?.[1] ?? null;
}

/** `vendor:device` of every display controller. */
export function graphicsCards(root = '/sys/bus/pci/devices'): string[] {
  return entries(root)
    .filter((name) => readText(join(root, name, 'class')).startsWith('0x03'))
    .map((name) => `${readText(join(root, name, 'vendor')).trim()}:${readText(join(root, name, 'device')).trim()}`)
    .sort();
}

function newest(folder: string): string {
  try {
    return String(statSync(folder).mtimeMs);
  } catch {
    return '-';
  }
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
