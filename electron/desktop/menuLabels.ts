import type { CommandId } from '../../shared/commands.ts';

export type MenuLanguage = 'en' | 'zh-CN';
export type MenuLabel = CommandId | 'menu.file' | 'menu.edit' | 'menu.generate' | 'menu.view' | 'menu.help';

export const menuLabels: Record<MenuLanguage, Record<MenuLabel, string>> = {
  en: {
    'menu.file': 'File',
    'menu.edit': 'Edit',
    'menu.generate': 'Generate',
    'menu.view': 'View',
    'menu.help': 'Help',
    generate: 'Generate',
    stop: 'Stop',
    'guidance-off': 'Turn Guidance Off',
    'new-seed': 'New Seed',
    'task-text': 'Text Tab',
    'task-image': 'Image Tab',
    'task-inpaint': 'Inpaint Tab',
    'save-as': 'Save Picture As…',
    'copy-picture': 'Copy Picture',
    reveal: 'Show in Folder',
    settings: 'Settings…',
    'previous-step': 'Previous Step',
    'next-step': 'Next Step',
    shortcuts: 'Keyboard Shortcuts',
  },
  'zh-CN': {
    'menu.file': '文件',
    'menu.edit': '编辑',
    'menu.generate': '生成',
    'menu.view': '视图',
    'menu.help': '帮助',
    generate: '生成',
    stop: '停止',
    'guidance-off': '关闭引导',
    'new-seed': '新种子',
    'task-text': '文生图',
    'task-image': '图生图',
    'task-inpaint': '局部重绘',
    'save-as': '图片另存为…',
    'copy-picture': '复制图片',
    reveal: '在文件夹中显示',
    settings: '设置…',
    'previous-step': '上一步',
    'next-step': '下一步',
    shortcuts: '键盘快捷键',
  },
};
