//! The one list of hostile guests.
//!
//! The guest crate makes its table of behaviours from it, and the test program makes one test of each name. So a name
//! without a behaviour does not compile, and neither does a behaviour without a test: what is not on this list cannot be
//! called, and is reported as unused.

/// Calls a macro with all behaviours that are shown in a `dispatch`, by the file that they are in.
macro_rules! guests {
    ($with:ident) => {
        $with! {
            cpu {
                spin_in_wasm,
                spin_in_clocks,
                spin_in_fields,
                spin_in_requests,
                recurse,
                trap,
                wait_for_ever,
                wait_again_and_again,
                poll_nothing,
            }
            memory {
                allocate_without_end,
                open_fields_without_end,
                open_requests_without_end,
                open_pollables_without_end,
                leak_every_handle,
                count_calls,
                look_for_leftovers,
            }
            logging {
                log_without_end,
                log_one_huge_line,
                log_many_long_lines,
                log_control_characters,
            }
            destinations {
                aim_elsewhere,
                ask_the_neighbours_origin,
                name_odd_authorities,
                downgrade_tls,
                trick_with_paths,
                follow_redirects,
                use_odd_methods,
            }
            fields {
                set_forbidden_fields,
                break_out_of_a_field,
                set_one_huge_field,
                set_fields_without_end,
                repeat_fields,
                look_for_the_credential,
            }
            bodies {
                write_without_end,
                never_finish_a_body,
                contradict_the_length,
                read_without_end,
                read_a_trickle,
                wait_for_a_silent_server,
                take_a_flood_of_fields,
                take_a_huge_field,
                name_absurd_lengths,
                write_zeroes_without_end,
            }
            requests {
                send_more_than_allowed,
                send_many_at_once,
                keep_every_response,
                trap_after_sending,
                spin_after_sending,
                drop_everything_half_way,
            }
            answers {
                answer_a_huge_text,
                answer_deep_json,
                answer_no_json,
                answer_control_characters,
                answer_long_texts,
                answer_a_huge_kind,
            }
        }
    };
}

/// Calls a macro with all behaviours that are shown in a `handle-webhook`.
macro_rules! delivery_guests {
    ($with:ident) => {
        $with! {
            updates {
                updates_without_end,
                lines_without_end,
                updates_for_others,
                news_after_the_end,
            }
        }
    };
}
