/**
 * Wayland's core protocol and xdg-shell, by the numbers of requests and events. `name>interface` makes an object of
 * that interface, whose number is the first argument.
 */
export interface Interface {
  readonly requests: readonly string[];
  readonly events: readonly string[];
}

const table = `
wl_display: sync>wl_callback get_registry>wl_registry | error delete_id
wl_registry: bind | global global_remove
wl_callback: | done
wl_compositor: create_surface>wl_surface create_region>wl_region release |
wl_shm_pool: create_buffer>wl_buffer destroy resize |
wl_shm: create_pool>wl_shm_pool release | format
wl_buffer: destroy | release
wl_data_offer: accept receive destroy finish set_actions | offer source_actions action
wl_data_source: offer destroy set_actions | target send cancelled dnd_drop_performed dnd_finished action
wl_data_device: start_drag set_selection release | data_offer>wl_data_offer enter leave motion drop selection
wl_data_device_manager: create_data_source>wl_data_source get_data_device>wl_data_device release |
wl_shell: get_shell_surface>wl_shell_surface |
wl_shell_surface: pong move resize set_toplevel set_transient set_fullscreen set_popup set_maximized set_title set_class | ping configure popup_done
wl_surface: destroy attach damage frame>wl_callback set_opaque_region set_input_region commit set_buffer_transform set_buffer_scale damage_buffer offset | enter leave preferred_buffer_scale preferred_buffer_transform
wl_seat: get_pointer>wl_pointer get_keyboard>wl_keyboard get_touch>wl_touch release | capabilities name
wl_pointer: set_cursor release | enter leave motion button axis frame axis_source axis_stop axis_discrete axis_value120 axis_relative_direction
wl_keyboard: release | keymap enter leave key modifiers repeat_info
wl_touch: release | down up motion frame cancel shape orientation
wl_output: release | geometry mode done scale name description
wl_region: destroy add subtract |
wl_subcompositor: destroy get_subsurface>wl_subsurface |
wl_subsurface: destroy set_position place_above place_below set_sync set_desync |
xdg_wm_base: destroy create_positioner>xdg_positioner get_xdg_surface>xdg_surface pong | ping
xdg_positioner: destroy set_size set_anchor_rect set_anchor set_gravity set_constraint_adjustment set_offset set_reactive set_parent_size set_parent_configure |
xdg_surface: destroy get_toplevel>xdg_toplevel get_popup>xdg_popup set_window_geometry ack_configure | configure
xdg_toplevel: destroy set_parent set_title set_app_id show_window_menu move resize set_max_size set_min_size set_maximized unset_maximized set_fullscreen unset_fullscreen set_minimized | configure close configure_bounds wm_capabilities
xdg_popup: destroy grab reposition | configure popup_done repositioned
`;

const words = (text: string) => text.split(" ").filter((word) => word !== "");

export const interfaces: ReadonlyMap<string, Interface> = new Map(
  table
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [name = "", rest = ""] = line.split(":");
      const [requests = "", events = ""] = rest.split("|");
      return [name, { requests: words(requests), events: words(events) }];
    }),
);
