//! The conformance suite: what the library promises on every backend, one test per promise, readable as a manual.
//!
//! A backend runs it by implementing [`Harness`] and calling [`suite!`] in a test target. Cases are grouped by topic in
//! [`cases`]; the models they share are in [`models`]. A case that needs a capability names it in its bounds.

pub mod cases;
pub mod dropping;
pub mod models;

use std::sync::Arc;

use orm::backend::{Database, StatementLog};

/// How a backend is set up for one test.
#[allow(async_fn_in_trait)]
pub trait Harness {
    /// The database handle.
    type Db: Database;
    /// An empty database of its own, with all tables of [`models::TestSchema`], and a log of its statements.
    async fn fresh() -> Fixture<Self::Db>;
}

/// A database for one test.
pub struct Fixture<D> {
    /// The database.
    pub db: D,
    /// Every statement that went out.
    pub log: Arc<StatementLog>,
    /// What has to live as long as the test (a temporary folder).
    pub keep: Box<dyn std::any::Any>,
}

/// Makes a test function of every case.
#[macro_export]
macro_rules! suite {
    ($harness:ty) => {
        $crate::suite!($harness, portable);
        $crate::suite!($harness, savepoints);
        $crate::suite!($harness, raw_sql);
        $crate::suite!($harness, insert_select);
    };
    ($harness:ty, insert_select) => {
        $crate::suite!(@module $harness, insert_select writes: rows_are_inserted_from_a_query);
    };
    ($harness:ty, savepoints) => {
        $crate::suite!(@module $harness, savepoints transactions: a_savepoint_rolls_back_alone);
    };
    ($harness:ty, raw_sql) => {
        $crate::suite!(@module $harness, raw_sql subqueries: sql_of_your_own_is_bound_and_read_with_types);
    };
    ($harness:ty, portable) => {
        $crate::suite!(@module $harness, queries:
            filters_compare_columns_with_values,
            null_is_neither_equal_nor_different,
            null_safe_equality_treats_none_as_a_value,
            lists_of_any_length_are_one_statement,
            an_empty_list_selects_nothing,
            text_is_found_literally_whatever_it_holds,
            patterns_follow_like_and_case_matters,
            conditions_combine_with_and_or_not,
            optional_filters_can_be_absent,
            order_puts_nulls_first_when_ascending,
            limit_and_offset_cut_the_result,
            distinct_results_come_once,
            arithmetic_happens_in_the_database,
            division_by_zero_is_null,
            coalesce_fills_in_for_null,
            a_query_can_be_a_list,
            one_wants_exactly_one_row,
            count_and_exists_agree_with_all,
            find_reads_by_primary_key,
            pages_have_a_total,
            keyset_pages_meet_without_gap_or_overlap,
            a_stream_yields_every_row,
            a_closure_takes_the_rows_one_by_one,
            an_aggregate_exists_even_over_no_rows,
            functions_of_numbers_run_in_the_database,
            a_keyset_needs_columns,
        );
        $crate::suite!(@module $harness, aggregates:
            aggregates_over_no_rows_are_none_and_count_is_zero,
            aggregates_skip_null,
            groups_have_keys_and_aggregates,
            having_filters_groups,
            inner_joins_keep_pairs_only,
            left_joined_columns_are_options,
            whole_models_come_out_of_a_join,
        );
        $crate::suite!(@module $harness, sets:
            a_union_has_equal_rows_once_and_union_all_each,
            null_equals_null_in_a_set,
            sets_are_put_together_from_the_left,
            a_part_of_a_set_keeps_its_limit,
            a_set_is_a_list_for_another_query,
            rows_of_a_model_stay_rows_of_it,
            a_set_names_the_rows_of_a_write,
        );
        $crate::suite!(@module $harness, windows:
            rows_are_numbered_and_ranked,
            null_has_its_place_in_a_window,
            aggregates_run_over_the_rows_they_are_told,
            aggregates_over_a_window_skip_null,
            decimals_are_exact_over_a_window,
            a_row_sees_those_before_and_after,
            windows_order_filter_and_join_with_the_rest,
            groups_are_ranked_by_their_aggregates,
            a_window_that_cannot_be_is_refused,
        );
        $crate::suite!(@module $harness, arrays:
            arrays_of_every_type_come_back,
            arrays_are_searched,
            an_array_that_may_be_null_is_neither_in_nor_out,
            arrays_are_changed_in_place,
            keys_in_an_array_load_in_its_order,
            keys_in_an_array_are_followed_back,
            keys_in_an_array_are_joined_and_tested,
            keys_in_an_array_are_linked_and_unlinked,
            keys_in_an_array_load_lazily_and_into_projections,
            rows_are_created_with_keys_in_an_array,
            keys_of_any_type_are_found_in_an_array,
        );
        $crate::suite!(@module $harness, keys:
            every_type_can_be_a_key,
        );
        $crate::suite!(@module $harness, subqueries:
            a_model_joins_itself_by_an_alias,
            aliases_chain,
            relation_predicates_take_an_alias,
            a_subquery_may_mention_the_query_around_it,
            a_scalar_subquery_is_a_value,
            the_same_model_may_stand_inside_and_outside,
            a_subquery_tied_by_null_is_empty,
            case_takes_the_first_true_branch,
            text_functions_run_in_the_database,
            lists_of_a_query_filter_another,
            aggregates_take_a_filter_of_their_own,
            rows_come_once_however_many_there_are_behind,
        );
        $crate::suite!(@module $harness, shapes:
            embedded_structs_are_columns_with_a_prefix,
            embedded_columns_have_typed_paths,
            an_embedded_struct_is_updated_as_a_whole_or_by_column,
            lists_of_embedded_structs_are_kept_whole,
            a_foreign_key_may_refer_to_a_unique_column,
            keys_made_by_the_program_come_back_in_order,
            keys_of_two_parts_work_everywhere,
            a_row_may_point_to_one_of_several_models,
            kinds_of_targets_load_lazily_in_batches,
            the_targets_of_several_kinds_know_their_rows,
            a_kind_and_a_key_load_for_one_row,
            children_of_two_keys_move_between_parents,
        );
        $crate::suite!(@module $harness, belongings:
            a_handle_is_a_query_over_what_belongs_to_a_row,
            a_handle_creates_and_moves_children,
            a_handle_releases_and_replaces_children,
            a_handle_links_and_unlinks,
            a_row_is_created_with_its_children,
            rows_and_children_are_created_together_or_not_at_all,
            lazy_loads_fetch_for_all_rows_of_a_query,
            projections_hold_relations_and_counts,
            projections_share_a_parent_between_rows,
            a_cursor_goes_to_a_client_and_back_as_text,
            a_handle_of_one_row_sets_and_clears_it,
            a_row_that_cannot_be_alone_is_not_taken_away,
            a_nested_row_that_must_be_there_is_missed,
        );
        $crate::suite!(@module $harness, relations:
            reading_an_unloaded_relation_is_an_error,
            includes_load_one_query_per_edge,
            includes_nest_three_levels,
            an_include_has_its_own_filter_order_and_limit_per_parent,
            many_to_many_goes_through_its_model,
            a_missing_child_is_loaded_as_none,
            relation_predicates_ask_about_the_rows_behind,
            relation_counts_can_be_selected_by,
            a_model_can_refer_to_itself,
            a_slice_loads_a_relation_in_one_query,
            an_include_may_begin_later_in_each_parent,
        );
        $crate::suite!(@module $harness, writes:
            insert_returns_the_row_with_its_key,
            defaults_are_applied_by_the_database,
            many_rows_come_back_in_order_with_keys,
            an_update_sends_changed_columns_only,
            a_stale_row_is_not_overwritten,
            many_rows_are_changed_each_in_its_own_way,
            rows_changed_together_are_changed_all_or_none,
            a_set_based_update_uses_expressions,
            an_update_without_filter_is_refused,
            a_set_based_delete_counts_its_rows,
            a_delete_without_filter_is_refused,
            a_limit_chooses_from_every_row_only_if_that_is_said,
            an_upsert_updates_the_chosen_columns,
            an_upsert_leaves_alone_what_nobody_set,
            deleting_a_parent_cascades_to_children,
            an_update_gives_back_its_rows,
            a_delete_gives_back_its_rows,
            an_insert_of_many_gives_back_keys,
        );
        $crate::suite!(@module $harness, transactions:
            a_transaction_commits_on_ok,
            a_transaction_rolls_back_on_error,
            a_dropped_guard_rolls_back,
            a_read_only_transaction_refuses_writes,
            a_dropped_transaction_future_leaves_nothing,
        );
        $crate::suite!(@module $harness, errors:
            a_unique_violation_names_model_and_field,
            a_foreign_key_violation_has_its_kind,
            a_check_violation_names_its_constraint,
            a_value_too_large_is_refused_before_it_is_sent,
            not_a_number_is_refused,
        );
        $crate::suite!(@module $harness, values:
            every_type_round_trips,
            hostile_text_survives,
            hostile_names_survive,
            decimals_are_exact_ordered_and_summed,
            enums_are_stored_by_name_or_number,
            dates_become_text_with_a_cast,
        );
    };
    (@module $harness:ty, $module:ident: $($case:ident),+ $(,)?) => {
        $crate::suite!(@module $harness, $module $module: $($case),+);
    };
    (@module $harness:ty, $name:ident $module:ident: $($case:ident),+ $(,)?) => {
        mod $name {
            use super::*;
            $(
                #[tokio::test]
                async fn $case() {
                    let fixture = <$harness as $crate::Harness>::fresh().await;
                    $crate::cases::$module::$case(&fixture).await.unwrap();
                }
            )+
        }
    };
}
