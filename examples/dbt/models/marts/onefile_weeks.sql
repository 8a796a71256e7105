with days as (
    select distinct cast({{ dbt.date_trunc('week', 'dbt_valid_from') }} as date) as week
    from {{ ref('onefile_learner_history') }}
    union
    select cast({{ dbt.date_trunc('week', onefile.today()) }} as date)
),

numbers as (
    {{ dbt.generate_series(520) }}
),

first_week as (
    select min(week) as week from days
),

weeks as (
    select cast({{ dbt.dateadd('day', '7 * (cast(numbers.generated_number as integer) - 1)', 'first_week.week') }} as date) as week
    from numbers
    cross join first_week
)

select
    history.customer,
    weeks.week,
    history.organisation_id,
    history.organisation,
    history.status,
    history.in_learning,
    count(*) as learners,
    {{ onefile.rounded('avg(history.progress)') }} as mean_progress,
    {{ onefile.rounded('sum(history.hours_done)') }} as hours_done
from weeks
-- As they were at the end of the week, or are now.
inner join {{ ref('onefile_learner_history') }} as history
    on history.dbt_valid_from < {{ dbt.dateadd('day', 7, 'weeks.week') }}
    and (history.dbt_valid_to is null or history.dbt_valid_to >= {{ dbt.dateadd('day', 7, 'weeks.week') }})
where weeks.week <= (select max(week) from days)
group by
    history.customer, weeks.week, history.organisation_id, history.organisation, history.status, history.in_learning
