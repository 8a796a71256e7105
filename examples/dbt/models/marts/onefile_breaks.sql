with history as (
    -- By the status of each time and the settings of today, which one learns only from the first lists.
    select
        customer, learner_id, dbt_valid_from,
        {{ onefile.is_among('status', 'onefile_statuses_on_break') }} and not is_archived as on_break
    from {{ ref('onefile_learner_history') }}
),

changes as (
    select
        *,
        lag(on_break) over (partition by customer, learner_id order by dbt_valid_from) as was_on_break,
        row_number() over (partition by customer, learner_id order by dbt_valid_from) as place
    from history
),

begun as (
    select customer, learner_id, max(dbt_valid_from) as began
    from changes
    where on_break and not coalesce(was_on_break, false)
    group by customer, learner_id
),

held as (
    select customer, learner_id, max(held_on) as last_review
    from {{ ref('onefile_reviews') }}
    where held_on <= {{ onefile.today() }}
    group by customer, learner_id
),

dated as (
    select
        learners.customer, learners.learner_id, learners.learner, learners.organisation, learners.status,
        learners.assessor_id, learners.assessor, learners.planned_end, held.last_review,
        {{ onefile.uk_day('learners.last_modified') }} as last_modified_on,
        {{ onefile.uk_day('begun.began') }} as seen_since,
        changes.place > 1 as is_start_known
    from {{ ref('onefile_learners') }} as learners
    left join begun on learners.customer = begun.customer and learners.learner_id = begun.learner_id
    left join changes
        on begun.customer = changes.customer
        and begun.learner_id = changes.learner_id
        and begun.began = changes.dbt_valid_from
    left join held on learners.customer = held.customer and learners.learner_id = held.learner_id
    where learners.on_break
)

select
    *,
    {{ onefile.days_between('seen_since', onefile.today()) }} as days_seen,
    {{ onefile.days_between('last_review', onefile.today()) }} as days_since_review
from dated
