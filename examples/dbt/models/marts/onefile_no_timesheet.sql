{%- set days = 7 * var('onefile_weeks_without_timesheet') -%}
with entries as (
    select
        customer, learner_id,
        max(coalesce(
            {{ onefile.uk_day('to_date') }}, {{ onefile.uk_day('from_date') }}
        )) as last_entry
    from {{ ref('stg_onefile_timesheets') }}
    where coalesce(from_date, to_date) < {{ dbt.dateadd('day', 1, onefile.today()) }}
    group by customer, learner_id
)

select
    learners.customer, learners.learner_id, learners.learner, learners.organisation, learners.status,
    learners.assessor_id, learners.assessor, learners.started, entries.last_entry,
    {{ onefile.days_between('coalesce(entries.last_entry, learners.started)', onefile.today()) }} as days_without
from {{ ref('onefile_learners') }} as learners
left join entries on learners.customer = entries.customer and learners.learner_id = entries.learner_id
where learners.in_learning
    and {{ onefile.is_loaded('timesheets', customer='learners.customer') }}
    -- Learners with neither an entry nor a start are listed, too: nothing shows that none was due.
    and coalesce({{ onefile.days_between('coalesce(entries.last_entry, learners.started)', onefile.today()) }}, {{ days }} + 1)
    > {{ days }}
